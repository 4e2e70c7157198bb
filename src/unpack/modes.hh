// SPDX-License-Identifier: Apache-2.0
// The jobs of kist-unpack. Each confines the process before it looks at untrusted bytes.
#pragma once

#include "base/fd.hh"
#include "storage/layout_protocol.hh"
#include "storage/unpack_protocol.hh"

namespace kist::unpack {

/// Fails by exception; the archive's digests are in the reply.
storage::LayerReply unpack_layer(const storage::LayerRequest&);
storage::ExtractReply extract_archive(const storage::ExtractRequest&);
storage::IndexReply index_archive(const storage::IndexRequest&);
storage::IndexReply index_layout(const storage::LayoutRequest&);
storage::AssembleReply assemble_tar(const storage::AssembleRequest&);
storage::PackReply pack_file(const storage::PackRequest&);
storage::PackReply expand_file(const storage::ExpandRequest&);

/// What may be written below `folder`: as asked, or what the disk has room for.
std::uint64_t room_on_disk(const Fd& folder, std::int64_t asked);

} // namespace kist::unpack
