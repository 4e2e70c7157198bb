// SPDX-License-Identifier: Apache-2.0
// The images of an OCI image layout (in an archive or a folder) and of a "dir:" folder: index, manifests, configurations.
#pragma once

#include <vector>

#include "storage/unpack_protocol.hh"
#include "unpack/members.hh"

namespace kist::unpack {

struct OciChoice {
    oci::Platform host;    ///< of several platforms of one image this one is taken
    std::string name = {}; ///< only what the index calls so; empty: all
    bool plain = false;    ///< a "dir:" folder
};
/// Every digest and size is checked; those of layers when they are unpacked.
std::vector<storage::ArchiveImage> read_oci(const Members&, const OciChoice&);

/// For all readers: layers in the order of the configuration's diff_ids.
void add_layers(storage::ArchiveImage&, std::vector<storage::ArchiveLayer>);

} // namespace kist::unpack
