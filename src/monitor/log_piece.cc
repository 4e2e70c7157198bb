// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_piece.hh"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::monitor {

namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;

/// RFC 1952: a header with an extra field "KL" (inode and birth), an empty block, its checksum and length, both 0.
struct [[gnu::packed]] PackedHead {
    std::array<std::uint8_t, 10> header{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255};
    std::uint16_t extra_size = 20;
    std::array<char, 2> field{'K', 'L'};
    std::uint16_t field_size = 16;
    std::uint64_t inode = 0;
    std::int64_t born_ns = 0;
    std::array<std::uint8_t, 2> nothing{3, 0};
    std::array<std::uint8_t, 8> trailer{};
};

Fd open_file(const std::string& path) {
    Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)};
    if (!file && errno != ENOENT && errno != ENOTDIR) throw SysError("opening log file '{}'", path);
    return file;
}

/// One that another program has compressed is known by itself.
LogFileId packed_id(const Fd& file) {
    PackedHead head;
    const PackedHead ours;
    const ssize_t n = ::pread(file.get(), &head, sizeof head, 0);
    if (n == sizeof head && head.header == ours.header && head.field == ours.field) return {head.inode, head.born_ns};
    return identify(file);
}

} // namespace

LogFileId identify(const Fd& plain) {
    struct statx facts {};
    if (::statx(plain.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO | STATX_BTIME, &facts) != 0)
        throw SysError("reading the state of a log file");
    LogFileId id{facts.stx_ino, 0};
    if ((facts.stx_mask & STATX_BTIME) != 0)
        id.born_ns = facts.stx_btime.tv_sec * ns_per_second + facts.stx_btime.tv_nsec;
    return id;
}

std::string packed_head(LogFileId id) {
    PackedHead head;
    head.inode = id.inode;
    head.born_ns = id.born_ns;
    std::string bytes(sizeof head, '\0');
    std::memcpy(bytes.data(), &head, sizeof head);
    return bytes;
}

std::string piece_path(const std::string& path, std::size_t number) {
    return number == 0 ? path : fmt::format("{}.{}", path, number);
}

std::string packed_path(const std::string& path, std::size_t number) { return piece_path(path, number) + ".gz"; }

std::optional<LogPiece> LogPiece::open(const std::string& path, std::size_t number) {
    // The compressed one is complete before the plain one goes: looked for second, it is there when the first is not.
    if (Fd plain = open_file(piece_path(path, number))) {
        const LogFileId id = identify(plain);
        return LogPiece(std::move(plain), id, false);
    }
    if (number == 0) return std::nullopt;
    Fd packed = open_file(packed_path(path, number));
    if (!packed) return std::nullopt;
    const LogFileId id = packed_id(packed);
    return LogPiece(std::move(packed), id, true);
}

bool LogPiece::make_plain(const ExpandLog& expand) {
    if (!is_packed_) return true;
    if (!expand) return false;
    try {
        file_ = expand(file_);
    } catch (const Error&) { // damaged: the other files are read all the same
        return false;
    }
    is_packed_ = false;
    return true;
}

} // namespace kist::monitor
