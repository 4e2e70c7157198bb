// SPDX-License-Identifier: Apache-2.0
// Walks the one tar of a pipeline entry by entry, and keeps every byte that is not a file's contents for tar-split.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "unpack/pipeline.hh"
#include "unpack/split_file.hh"
#include "unpack/tar_entry.hh"

namespace kist::unpack {

/// What a tar must look like at its end. `strict` when no digest says that it is whole: a missing end mark and data behind it
/// are errors then.
enum class TarEnd { lenient, strict };

class TarReader {
public:
    TarReader(Pipeline& source, SplitWriter& split, TarEnd end) : source_(source), split_(split), end_(end) {}

    /// False at the end, when all the rest has been read too. The payload of the last entry must have been taken.
    bool next(Entry&);
    using Sink = std::function<void(std::string_view)>;
    /// The entry's payload in pieces; its padding is kept.
    void take_payload(const Entry&, const Sink&);
    /// The payload goes to tar-split as it is, and to `sink`.
    void keep_payload(const Entry&, const Sink& sink = {});
    SplitWriter& split() { return split_; }

private:
    struct Pending {
        std::optional<Extensions> extensions;
        std::optional<std::string> long_path, long_link;
        bool any() const { return extensions || long_path || long_link; }
    };
    bool fill();
    std::optional<std::string> take_block();
    std::string take_extended(const HeaderBlock&);
    bool read_meta(const HeaderBlock&, Pending&);
    void take_sparse_blocks(std::string_view header, Entry&);
    void stream(std::uint64_t size, const Sink&);
    void pad(std::uint64_t size);
    void finish(bool saw_end_mark);
    [[noreturn]] static void cut_short();

    Pipeline& source_;
    SplitWriter& split_;
    TarEnd end_;
    std::string_view view_;
    std::uint64_t entries_ = 0;
    bool any_header_ = false;
};

} // namespace kist::unpack
