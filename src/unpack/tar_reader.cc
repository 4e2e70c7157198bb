// SPDX-License-Identifier: Apache-2.0
// The sequence of blocks of a tar.
#include "unpack/tar_reader.hh"

#include <algorithm>

#include "base/error.hh"
#include "base/text.hh"
#include "unpack/limits.hh"

namespace kist::unpack {

void TarReader::cut_short() { throw Error("the archive is cut short"); }

bool TarReader::fill() {
    if (!view_.empty()) return true;
    const auto chunk = source_.next();
    view_ = {chunk.data(), chunk.size()};
    return !view_.empty();
}

/// Chunks are multiples of blocks, so only the last one can end inside a block.
std::optional<std::string> TarReader::take_block() {
    if (!fill()) return std::nullopt;
    if (view_.size() < block_size) {
        if (!any_header_) throw Error("it is no tar archive");
        cut_short();
    }
    std::string block(view_.substr(0, block_size));
    view_.remove_prefix(block_size);
    split_.raw(block);
    return block;
}

void TarReader::stream(std::uint64_t size, const Sink& sink) {
    while (size > 0) {
        if (!fill()) cut_short();
        const std::string_view piece = view_.substr(0, std::min<std::uint64_t>(size, view_.size()));
        sink(piece);
        view_.remove_prefix(piece.size());
        size -= piece.size();
    }
}

void TarReader::pad(std::uint64_t size) {
    stream(padding_of(size), [this](std::string_view bytes) { split_.raw(bytes); });
}

void TarReader::take_payload(const Entry& entry, const Sink& sink) {
    stream(entry.payload, sink);
    pad(entry.payload);
}

void TarReader::keep_payload(const Entry& entry, const Sink& sink) {
    stream(entry.payload, [&](std::string_view bytes) {
        split_.raw(bytes);
        if (sink) sink(bytes);
    });
    pad(entry.payload);
}

std::string TarReader::take_extended(const HeaderBlock& header) {
    const std::uint64_t size = header.payload();
    if (size > limits::extended_header_bytes)
        throw Error("an extended header is larger than {} bytes", limits::extended_header_bytes);
    std::string text;
    stream(size, [&](std::string_view bytes) {
        split_.raw(bytes);
        text.append(bytes);
    });
    pad(size);
    return text;
}

/// True when the header was about the next entry and not an entry itself.
bool TarReader::read_meta(const HeaderBlock& header, Pending& pending) {
    const auto long_name = [&](std::optional<std::string>& to) {
        if (to) throw Error("two long names for one entry");
        const std::string text = take_extended(header);
        to = text.substr(0, text.find('\0'));
    };
    switch (header.type()) {
    case 'x':
        if (pending.extensions) throw Error("two extended headers for one entry");
        pending.extensions = parse_extensions(take_extended(header));
        return true;
    case 'g': {
        // Readers differ in whether these count. A comment, as git writes it, changes nothing; names and sizes would.
        const Extensions all = parse_extensions(take_extended(header));
        if (all.path || all.link || all.size || all.is_sparse)
            throw Error("a global header sets names or sizes: refused");
        return true;
    }
    case 'L': long_name(pending.long_path); return true;
    case 'K': long_name(pending.long_link); return true;
    default: return false;
    }
}

void TarReader::take_sparse_blocks(std::string_view header, Entry& entry) {
    constexpr std::size_t in_header = 4 * 24, in_block = 21 * 24;
    append_pieces(entry.pieces, header.substr(386, in_header));
    bool more = header[482] != '\0';
    while (more) {
        const auto block = take_block();
        if (!block) cut_short();
        append_pieces(entry.pieces, std::string_view(*block).substr(0, in_block));
        more = (*block)[in_block] != '\0';
    }
}

bool TarReader::next(Entry& entry) {
    Pending pending;
    while (true) {
        const auto block = take_block();
        if (!block) {
            if (pending.any()) cut_short();
            if (!any_header_) throw Error("it is empty, no tar archive");
            finish(false);
            return false;
        }
        const HeaderBlock header(*block);
        if (header.is_zero()) {
            if (pending.any()) throw Error("an extended header is followed by the end of the archive");
            finish(true);
            return false;
        }
        if (!header.checksum_matches())
            throw Error("{}",
                        any_header_ ? "a header is damaged: its checksum does not match" : "it is no tar archive");
        any_header_ = true;
        if (++entries_ > limits::entries) throw Error("the archive has more than {} entries", limits::entries);
        if (read_meta(header, pending)) continue;
        entry = describe(header, std::move(pending.extensions).value_or(Extensions{}), std::move(pending.long_path),
                         std::move(pending.long_link));
        if (header.type() == 'S') take_sparse_blocks(*block, entry);
        return true;
    }
}

void TarReader::finish(bool saw_end_mark) {
    if (!saw_end_mark && end_ == TarEnd::strict) cut_short();
    std::uint64_t trailing = 0;
    while (fill()) {
        trailing += view_.size();
        if (trailing > limits::trailing_bytes)
            throw Error("more than {} bytes follow the end of the archive", limits::trailing_bytes);
        if (end_ == TarEnd::strict && view_.find_first_not_of('\0') != std::string_view::npos)
            throw Error("other data follows the end of the archive");
        split_.raw(view_);
        view_ = {};
    }
}

} // namespace kist::unpack
