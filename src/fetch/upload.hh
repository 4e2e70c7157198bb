// SPDX-License-Identifier: Apache-2.0
// The writing half of the distribution protocol: blobs and manifests.
#pragma once

#include "fetch/session.hh"

namespace kist::fetch {

/// Is the blob there? If not, it is mounted from one of `ask.from` where the registry does that.
registry::Answer find_blob(Session&, const registry::Ask&);
/// `channel` tells the digest of a blob that had none when it was begun.
void upload_blob(Session&, const registry::Ask&, const Fd& data, const Fd& channel);
registry::Answer find_manifest(Session&, const registry::Ask&);
registry::Answer store_manifest(Session&, const registry::Ask&, const Fd& data);

} // namespace kist::fetch
