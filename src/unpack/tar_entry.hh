// SPDX-License-Identifier: Apache-2.0
// One entry of a tar as all its headers together describe it, and the pieces it is read from. Pure: no system calls.
// pax: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kist::unpack {

inline constexpr std::size_t block_size = 512;
constexpr std::uint64_t padding_of(std::uint64_t size) { return (block_size - size % block_size) % block_size; }

enum class EntryType { file, hard_link, symlink, character_device, block_device, folder, fifo, ignored };

struct SparsePiece {
    std::uint64_t offset = 0, size = 0;
};

struct TarTime {
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
};

struct Entry {
    EntryType type = EntryType::file;
    std::string path, link; ///< as written; never empty of NULs in between
    std::uint32_t mode = 0, uid = 0, gid = 0;
    std::uint32_t device_major = 0, device_minor = 0;
    TarTime mtime;
    std::uint64_t payload = 0; ///< bytes that follow the headers, without padding
    std::vector<std::pair<std::string, std::string>> xattrs;
    bool is_sparse = false;
    bool has_sparse_map_in_payload = false; ///< pax 1.0: the map is the first part of the payload
    std::uint64_t real_size = 0;            ///< of a sparse file
    std::vector<SparsePiece> pieces;
};

/// A raw header block.
class HeaderBlock {
public:
    explicit HeaderBlock(std::string_view bytes) : bytes_(bytes) {}
    bool is_zero() const { return bytes_.find_first_not_of('\0') == std::string_view::npos; }
    bool checksum_matches() const;
    char type() const { return bytes_[156]; }
    bool is_ustar() const { return bytes_.substr(257, 6) == std::string_view("ustar\0", 6); }
    bool is_gnu() const { return bytes_.substr(257, 8) == std::string_view("ustar  \0", 8); }
    /// Throws Error naming `field` when it is no number of at most `max`.
    std::uint64_t number(std::size_t offset, std::size_t size, std::uint64_t max, std::string_view field) const;
    std::int64_t signed_number(std::size_t offset, std::size_t size, std::string_view field) const;
    std::string_view text(std::size_t offset, std::size_t size) const;
    std::uint64_t payload() const { return number(124, 12, INT64_MAX, "size"); }

private:
    std::string_view bytes_;
};

/// What a pax header ('x') says about the entry that follows.
struct Extensions {
    std::optional<std::string> path, link;
    std::optional<std::uint64_t> size, uid, gid, device_major, device_minor;
    std::optional<TarTime> mtime;
    std::vector<std::pair<std::string, std::string>> xattrs;
    std::optional<std::uint64_t> sparse_major, sparse_minor, sparse_size;
    std::optional<std::string> sparse_name;
    std::vector<SparsePiece> pieces;
    bool is_sparse = false;
};
/// Throws Error for anything that two readers could understand differently.
Extensions parse_extensions(std::string_view records);

/// The entry that `header` describes, with what pax and GNU headers before it said.
Entry describe(const HeaderBlock& header, Extensions extensions, std::optional<std::string> long_path,
               std::optional<std::string> long_link);

/// True for types that never have a payload, whatever their size field says.
bool is_header_only(EntryType type);

/// Old GNU sparse: four pieces in the header, 21 in each extension block.
void append_pieces(std::vector<SparsePiece>& pieces, std::string_view table);
/// pax 1.0 map; nothing while `text` does not hold it whole. The second is its size, rounded up to blocks.
std::optional<std::pair<std::vector<SparsePiece>, std::uint64_t>> parse_sparse_map(std::string_view text);
/// Throws Error unless the pieces are in order, inside `real_size` and add up to `payload`.
void check_pieces(const std::vector<SparsePiece>& pieces, std::uint64_t real_size, std::uint64_t payload);

} // namespace kist::unpack
