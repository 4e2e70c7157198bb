// SPDX-License-Identifier: Apache-2.0
// Asking kist-unpack: starts it on descriptors, waits, and turns what it answers into a value or an Error.
#pragma once

#include "base/file.hh"
#include "base/process.hh"
#include "storage/layout_protocol.hh"
#include "storage/unpack_protocol.hh"

namespace kist::storage {

/// A kist-unpack at work. Destroying it ends it.
template <typename Reply>
class Asked {
public:
    Asked(Child child, Fd answer) : child_(std::move(child)), answer_(std::move(answer)) {}
    /// What it answers; its failure is thrown.
    Reply wait();
    /// Its pidfd is readable once wait() does not block.
    const Child& child() const { return child_; }

private:
    Child child_;
    Fd answer_;
};
using Unpacking = Asked<LayerReply>;
using Packing = Asked<PackReply>;
using Assembling = Asked<AssembleReply>;
/// How many of them are worth having side by side; each has three threads.
std::size_t unpackings_at_a_time();
/// `folder` holds an empty diff/; the archive is read from descriptor `archive`.
Unpacking start_layer(const Fd& archive, const Dir& folder, const LayerRequest&);
LayerReply unpack_layer(const Fd& archive, const Dir& folder, const LayerRequest&);
/// Unpacks into `root`, the root of a container or a volume: kist-unpack is confined to it.
ExtractReply extract_archive(const Fd& archive, const Dir& root, const ExtractRequest&);
/// `folder` may be any empty folder; `spool` an unnamed file.
IndexReply index_archive(const Fd& archive, const Dir& folder, const Fd& spool, const IndexRequest&);
IndexReply index_layout(const Dir& folder, const LayoutRequest&);
/// `folder` is a layer's. Writes its tar to `out` from where that stands; the digest and size of what was written.
Assembling start_assembling(const Dir& folder, const Fd& out, const AssembleRequest&);
AssembleReply assemble_tar(const Dir& folder, const Fd& out, const AssembleRequest&);

/// Compresses what is left to read of `plain` behind what `packed` holds. `folder`: any.
Packing start_packing(const Fd& plain, const Fd& packed, const Dir& folder);
/// `packed`, a compressed file, as an unnamed plain one: on the disk of `folder`, or in memory where there is no room.
Fd expand_file(const Fd& packed, const Dir& folder);

} // namespace kist::storage
