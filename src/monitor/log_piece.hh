// SPDX-License-Identifier: Apache-2.0
// The files of one log: path is being written, path.1 is the one before it, and so on. With compression a rotated one becomes
// path.N.gz, which begins with an empty gzip member that says which file it was: a reader that has read the plain file, or is
// in the middle of it, knows it again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/fd.hh"

namespace kist::monitor {

/// Inode numbers are used again as soon as they are free; with its time of birth it is one file's alone.
struct LogFileId {
    std::uint64_t inode = 0;
    std::int64_t born_ns = 0; ///< 0: the file system does not tell
    bool operator==(const LogFileId&) const = default;
};

/// Of a plain file. Throws SysError.
LogFileId identify(const Fd& plain);
/// What stands before the compressed bytes of the file `id`: a valid gzip member of nothing.
std::string packed_head(LogFileId id);

std::string piece_path(const std::string& path, std::size_t number);
std::string packed_path(const std::string& path, std::size_t number);

/// Plain bytes of an open .gz, in a file that has no name. Throws Error for a damaged one.
using ExpandLog = std::function<Fd(const Fd& packed)>;

/// One of the files, opened by a reader.
class LogPiece {
public:
    /// Number `number` of the log, plain or compressed; nothing when there is neither. Throws SysError.
    static std::optional<LogPiece> open(const std::string& path, std::size_t number);

    const LogFileId& id() const { return id_; }
    /// False: a compressed one that cannot be read, or without `expand`.
    bool make_plain(const ExpandLog& expand);
    /// Plain after make_plain().
    const Fd& file() const { return file_; }
    Fd take() && { return std::move(file_); }

private:
    LogPiece(Fd file, LogFileId id, bool is_packed) : file_(std::move(file)), id_(id), is_packed_(is_packed) {}
    Fd file_;
    LogFileId id_;
    bool is_packed_;
};

} // namespace kist::monitor
