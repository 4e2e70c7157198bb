// SPDX-License-Identifier: Apache-2.0
// Tar headers: ustar, v7, GNU and pax. Where readers in the wild disagree, the archive is refused, so that what we unpack is
// what a scanner before us saw (the "TARmageddon" class).
#include "unpack/tar_entry.hh"

#include <algorithm>
#include <limits>

#include "base/error.hh"
#include "base/text.hh"
#include "unpack/limits.hh"

namespace kist::unpack {
namespace {

constexpr std::uint64_t max_id = std::numeric_limits<std::uint32_t>::max() - 1;
constexpr std::size_t checksum_at = 148;

/// Base 256, big-endian, two's complement in the bits behind the marker bit.
std::int64_t parse_binary(std::string_view field, std::string_view name) {
    const bool negative = (static_cast<unsigned char>(field[0]) & 0x40) != 0;
    std::uint64_t value = negative ? UINT64_MAX : 0;
    for (std::size_t i = 0; i < field.size(); ++i) {
        auto byte = static_cast<unsigned char>(field[i]);
        if (i == 0) byte = negative ? static_cast<unsigned char>(byte | 0x80) : static_cast<unsigned char>(byte & 0x7f);
        const std::uint64_t top = value >> 56;
        if (top != (negative ? 0xffu : 0u)) throw Error("a header's {} is out of range", name);
        value = value << 8 | byte;
    }
    if (negative != (value >> 63 != 0)) throw Error("a header's {} is out of range", name);
    return static_cast<std::int64_t>(value);
}

std::uint64_t parse_octal_field(std::string_view field, std::string_view name) {
    while (!field.empty() && (field.back() == ' ' || field.back() == '\0')) field.remove_suffix(1);
    while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
    std::uint64_t value = 0;
    for (const char c : field) {
        if (c < '0' || c > '7' || value >> 60 != 0) throw Error("a header's {} is not an octal number", name);
        value = value << 3 | static_cast<std::uint64_t>(c - '0');
    }
    return value;
}

std::uint64_t decimal(std::string_view text, std::uint64_t max, std::string_view key) {
    const auto value = parse_unsigned(text, max);
    if (!value) throw Error("extended header '{}' is not a number in range: '{}'", printable(key), printable(text));
    return *value;
}

/// "-12.5" is 12.5 s before 1970, kept as seconds rounded down and nanoseconds >= 0.
TarTime parse_time(std::string_view text, std::string_view key) {
    const bool negative = text.starts_with('-');
    const auto [whole, fraction] = split_once(negative ? text.substr(1) : text, '.');
    TarTime time;
    time.seconds = static_cast<std::int64_t>(decimal(whole, INT64_MAX / 4, key));
    std::string digits = fraction.value_or("").substr(0, 9);
    if (!digits.empty()) {
        digits.resize(9, '0');
        time.nanoseconds = static_cast<std::int64_t>(decimal(digits, 999'999'999, key));
    }
    if (negative) {
        time.seconds = -time.seconds - (time.nanoseconds > 0 ? 1 : 0);
        if (time.nanoseconds > 0) time.nanoseconds = 1'000'000'000 - time.nanoseconds;
    }
    return time;
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Names in LIBARCHIVE.xattr.* are percent-encoded.
std::string percent_decode(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            plain += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

std::string base64_decode(std::string_view text) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (text.ends_with('=')) text.remove_suffix(1);
    std::string plain;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        const auto value = alphabet.find(c);
        if (value == std::string_view::npos) throw Error("an extended attribute's value is not base64");
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        plain += static_cast<char>(bits >> count & 0xff);
    }
    return plain;
}

void add_xattr(Extensions& to, std::string name, std::string value) {
    if (value.size() > limits::xattr_value_bytes || name.size() > limits::component_bytes ||
        to.xattrs.size() >= limits::xattrs)
        throw Error("extended attribute '{}' is too long or one too many", printable(name));
    for (auto& [known, known_value] : to.xattrs) {
        if (known != name) continue;
        known_value = std::move(value); // bsdtar writes both forms; they say the same
        return;
    }
    to.xattrs.emplace_back(std::move(name), std::move(value));
}

void add_sparse_map(Extensions& to, std::string_view text, std::string_view key) {
    const auto numbers = split(text, ',');
    if (numbers.size() % 2 != 0 || numbers.size() / 2 > limits::sparse_pieces) throw Error("a sparse map is malformed");
    for (std::size_t i = 0; i < numbers.size(); i += 2)
        to.pieces.push_back({decimal(numbers[i], INT64_MAX, key), decimal(numbers[i + 1], INT64_MAX, key)});
}

void apply_sparse(Extensions& to, std::string_view key, std::string_view value) {
    to.is_sparse = true;
    if (key == "major") to.sparse_major = decimal(value, 100, key);
    else if (key == "minor") to.sparse_minor = decimal(value, 100, key);
    else if (key == "name") to.sparse_name = value;
    else if (key == "size" || key == "realsize") to.sparse_size = decimal(value, INT64_MAX, key);
    else if (key == "map") add_sparse_map(to, value, key);
    else if (key == "offset") to.pieces.push_back({decimal(value, INT64_MAX, key), 0});
    else if (key == "numbytes" && !to.pieces.empty()) to.pieces.back().size = decimal(value, INT64_MAX, key);
    else if (key != "numblocks") throw Error("unknown kind of sparse file");
    if (to.pieces.size() > limits::sparse_pieces) throw Error("a sparse file has too many pieces");
}

void apply_record(Extensions& to, std::string_view key, std::string_view value) {
    constexpr std::string_view schily = "SCHILY.xattr.", libarchive = "LIBARCHIVE.xattr.", sparse = "GNU.sparse.";
    if ((key == "path" || key == "linkpath" || key == "GNU.sparse.name") && value.find('\0') != std::string_view::npos)
        throw Error("a name holds a NUL character");
    if (key == "path") to.path = value;
    else if (key == "linkpath") to.link = value;
    else if (key == "size") to.size = decimal(value, INT64_MAX, key);
    else if (key == "uid") to.uid = decimal(value, max_id, key);
    else if (key == "gid") to.gid = decimal(value, max_id, key);
    else if (key == "mtime") to.mtime = parse_time(value, key);
    else if (key == "SCHILY.devmajor") to.device_major = decimal(value, UINT32_MAX, key);
    else if (key == "SCHILY.devminor") to.device_minor = decimal(value, UINT32_MAX, key);
    else if (key.starts_with(schily)) add_xattr(to, std::string(key.substr(schily.size())), std::string(value));
    else if (key.starts_with(libarchive))
        add_xattr(to, percent_decode(key.substr(libarchive.size())), base64_decode(value));
    else if (key.starts_with(sparse)) apply_sparse(to, key.substr(sparse.size()), value);
}

EntryType type_of(const HeaderBlock& header, std::string_view path) {
    switch (header.type()) {
    case '\0': return path.ends_with('/') ? EntryType::folder : EntryType::file;
    case '0':
    case '7':
    case 'S': return EntryType::file;
    case '1': return EntryType::hard_link;
    case '2': return EntryType::symlink;
    case '3': return EntryType::character_device;
    case '4': return EntryType::block_device;
    case '5': return EntryType::folder;
    case '6': return EntryType::fifo;
    case 'V': return EntryType::ignored; // a volume label
    default:
        throw Error("entry '{}' has the unknown type '{}'", printable(path), printable(std::string(1, header.type())));
    }
}

std::string header_path(const HeaderBlock& header) {
    const std::string name(header.text(0, 100));
    const std::string_view prefix = header.is_ustar() ? header.text(345, 155) : std::string_view();
    return prefix.empty() ? name : std::string(prefix) + "/" + name;
}

/// An extended header that is there hides the field, whatever the field holds: out-of-range values stand there as zeros or junk.
template <typename Number>
std::uint32_t or_field(const std::optional<std::uint64_t>& extension, Number field) {
    return static_cast<std::uint32_t>(extension ? *extension : field());
}

void describe_sparse(Entry& entry, const HeaderBlock& header, Extensions& extensions) {
    if (header.type() == 'S') {
        if (extensions.is_sparse) throw Error("entry '{}' is sparse in two ways", printable(entry.path));
        entry.is_sparse = true;
        entry.real_size = header.number(483, 12, INT64_MAX, "real size");
        return; // the reader appends the pieces
    }
    if (!extensions.is_sparse) return;
    if (entry.type != EntryType::file) throw Error("entry '{}' is sparse but no file", printable(entry.path));
    entry.is_sparse = true;
    entry.has_sparse_map_in_payload = extensions.sparse_major == 1 && extensions.sparse_minor == 0;
    if (!entry.has_sparse_map_in_payload && extensions.sparse_major.value_or(0) != 0)
        throw Error("entry '{}' is a sparse file of an unknown version", printable(entry.path));
    if (!extensions.sparse_size) throw Error("sparse file '{}' has no size", printable(entry.path));
    entry.real_size = *extensions.sparse_size;
    entry.pieces = std::move(extensions.pieces);
}

} // namespace

bool HeaderBlock::checksum_matches() const {
    std::uint64_t sum = 0;
    std::int64_t signed_sum = 0; // some old tars summed signed chars
    for (std::size_t i = 0; i < block_size; ++i) {
        const char c = i >= checksum_at && i < checksum_at + 8 ? ' ' : bytes_[i];
        sum += static_cast<unsigned char>(c);
        signed_sum += static_cast<signed char>(c);
    }
    const std::uint64_t written = parse_octal_field(bytes_.substr(checksum_at, 8), "checksum");
    return written == sum || static_cast<std::int64_t>(written) == signed_sum;
}

std::int64_t HeaderBlock::signed_number(std::size_t offset, std::size_t size, std::string_view field) const {
    const std::string_view bytes = bytes_.substr(offset, size);
    if ((static_cast<unsigned char>(bytes[0]) & 0x80) != 0) return parse_binary(bytes, field);
    return static_cast<std::int64_t>(parse_octal_field(bytes, field));
}

std::uint64_t HeaderBlock::number(std::size_t offset, std::size_t size, std::uint64_t max,
                                  std::string_view field) const {
    const std::int64_t value = signed_number(offset, size, field);
    if (value < 0 || static_cast<std::uint64_t>(value) > max) throw Error("a header's {} is out of range", field);
    return static_cast<std::uint64_t>(value);
}

std::string_view HeaderBlock::text(std::size_t offset, std::size_t size) const {
    const std::string_view field = bytes_.substr(offset, size);
    return field.substr(0, field.find('\0'));
}

Extensions parse_extensions(std::string_view records) {
    Extensions found;
    while (!records.empty()) {
        const auto blank = records.find(' ');
        const auto length =
            blank == std::string_view::npos ? std::nullopt : parse_unsigned(records.substr(0, blank), records.size());
        if (!length || *length < blank + 3 || records[*length - 1] != '\n')
            throw Error("an extended header is malformed");
        const std::string_view record = records.substr(blank + 1, *length - blank - 2);
        records.remove_prefix(*length);
        const auto equals = record.find('=');
        if (equals == std::string_view::npos || equals == 0) throw Error("an extended header is malformed");
        // An empty value takes a record back (POSIX); nothing is set here before, so there is nothing to take back.
        if (equals + 1 < record.size()) apply_record(found, record.substr(0, equals), record.substr(equals + 1));
    }
    return found;
}

bool is_header_only(EntryType type) { return type != EntryType::file && type != EntryType::ignored; }

Entry describe(const HeaderBlock& header, Extensions extensions, std::optional<std::string> long_path,
               std::optional<std::string> long_link) {
    Entry entry;
    entry.path = long_path         ? std::move(*long_path)
                 : extensions.path ? std::move(*extensions.path)
                                   : header_path(header);
    if (extensions.sparse_name) entry.path = *extensions.sparse_name;
    entry.link = long_link         ? std::move(*long_link)
                 : extensions.link ? std::move(*extensions.link)
                                   : std::string(header.text(157, 100));
    entry.type = type_of(header, entry.path);
    if (entry.path.size() > limits::path_bytes || entry.link.size() > limits::path_bytes)
        throw Error("a name is longer than {} bytes", limits::path_bytes);
    entry.mode = static_cast<std::uint32_t>(header.number(100, 8, INT64_MAX, "mode") & 07777);
    entry.uid = or_field(extensions.uid, [&] { return header.number(108, 8, max_id, "owner"); });
    entry.gid = or_field(extensions.gid, [&] { return header.number(116, 8, max_id, "group"); });
    if (entry.type == EntryType::character_device || entry.type == EntryType::block_device) {
        entry.device_major = or_field(extensions.device_major, [&] { return header.number(329, 8, 0xfff, "device"); });
        entry.device_minor =
            or_field(extensions.device_minor, [&] { return header.number(337, 8, 0xfffff, "device"); });
    }
    entry.mtime = extensions.mtime.value_or(TarTime{header.signed_number(136, 12, "time"), 0});
    if (!is_header_only(entry.type)) entry.payload = extensions.size ? *extensions.size : header.payload();
    entry.xattrs = std::move(extensions.xattrs);
    describe_sparse(entry, header, extensions);
    return entry;
}

void append_pieces(std::vector<SparsePiece>& pieces, std::string_view table) {
    for (; table.size() >= 24; table.remove_prefix(24)) {
        if (table[0] == '\0') return;
        const HeaderBlock piece(table);
        pieces.push_back(
            {piece.number(0, 12, INT64_MAX, "sparse piece"), piece.number(12, 12, INT64_MAX, "sparse piece")});
        if (pieces.size() > limits::sparse_pieces) throw Error("a sparse file has too many pieces");
    }
}

std::optional<std::pair<std::vector<SparsePiece>, std::uint64_t>> parse_sparse_map(std::string_view text) {
    std::size_t at = 0;
    const auto next_number = [&]() -> std::optional<std::uint64_t> {
        const auto end = text.find('\n', at);
        if (end == std::string_view::npos) {
            if (text.size() - at > 20) throw Error("a sparse map is malformed");
            return std::nullopt;
        }
        const std::uint64_t value = decimal(text.substr(at, end - at), INT64_MAX, "sparse map");
        at = end + 1;
        return value;
    };
    const auto count = next_number();
    if (!count) return std::nullopt;
    if (*count > limits::sparse_pieces) throw Error("a sparse file has too many pieces");
    std::vector<SparsePiece> pieces;
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto offset = next_number();
        const auto size = offset ? next_number() : std::nullopt;
        if (!size) return std::nullopt;
        pieces.push_back({*offset, *size});
    }
    return std::make_pair(std::move(pieces), at + padding_of(at));
}

void check_pieces(const std::vector<SparsePiece>& pieces, std::uint64_t real_size, std::uint64_t payload) {
    std::uint64_t end = 0, sum = 0;
    for (const SparsePiece& piece : pieces) {
        if (piece.offset < end || piece.offset > real_size || piece.size > real_size - piece.offset)
            throw Error("a sparse file's pieces overlap or lie outside it");
        end = piece.offset + piece.size;
        sum += piece.size;
    }
    if (sum != payload) throw Error("a sparse file's pieces do not add up to its data");
}

} // namespace kist::unpack
