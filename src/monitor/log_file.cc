// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_file.hh"

#include <cstdio>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/time.hh"
#include "monitor/log_encode.hh"
#include "monitor/log_piece.hh"

namespace kist::monitor {

LogFile::LogFile(const LogConfig& config)
    : path_(config.path),
      format_(log_format(config.driver)),
      max_size_(config.max_size),
      max_files_(std::max(config.max_files, 1)),
      max_age_(config.max_age) {
    open(0);
    cut_torn_record();
    expire(Moment::now());
}

void LogFile::open(int extra_flags) {
    constexpr mode_t readable_by_group = 0640;
    Fd file{
        ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | extra_flags, readable_by_group)};
    if (!file) throw SysError("opening log file '{}'", path_);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) throw SysError("reading the size of log file '{}'", path_);
    const std::int64_t born = identify(file).born_ns;
    born_ns_ = born != 0 ? born : Moment::now().ns;
    file_ = std::move(file);
    size_ = status.st_size;
}

void LogFile::cut_torn_record() {
    std::vector<char> tail(max_log_record);
    if (size_ == 0) return;
    const auto start = std::max<std::int64_t>(0, size_ - static_cast<std::int64_t>(tail.size()));
    const ssize_t n = ::pread(file_.get(), tail.data(), tail.size(), start);
    if (n <= 0 || tail[static_cast<std::size_t>(n) - 1] == '\n') return;
    const auto newline = std::string_view(tail.data(), static_cast<std::size_t>(n)).rfind('\n');
    // Not one newline in the space of the longest record: not a log of ours; it is left alone.
    if (newline == std::string_view::npos && start > 0) return;
    const auto end = newline == std::string_view::npos ? 0 : start + static_cast<std::int64_t>(newline) + 1;
    if (::ftruncate(file_.get(), end) == 0) size_ = end;
}

/// How many bytes of `records` go into this file before it has to be rotated: at least one record into an empty file.
std::size_t LogFile::fitting(std::string_view records) const {
    const auto total = static_cast<std::int64_t>(records.size());
    if (max_size_ < 0 || size_ + total <= max_size_) return records.size();
    const std::int64_t room = max_size_ - size_;
    if (room > 0) {
        const auto end = records.substr(0, static_cast<std::size_t>(room)).rfind('\n');
        if (end != std::string_view::npos) return end + 1;
    }
    return size_ > 0 ? 0 : records.find('\n') + 1;
}

void LogFile::append(std::string_view records) noexcept {
    if (dropped_ > 0) note_dropped();
    while (!records.empty()) {
        const std::size_t part = fitting(records);
        if (part == 0) {
            rotate();
            if (size_ > 0) { // could not: better one file that grows than output that is lost
                if (!write_records(records)) dropped_ += records.size();
                return;
            }
            continue;
        }
        if (!write_records(records.substr(0, part))) {
            dropped_ += records.size();
            return;
        }
        records.remove_prefix(part);
    }
}

bool LogFile::write_records(std::string_view records) noexcept {
    const std::int64_t before = size_;
    std::string_view rest = records;
    while (!rest.empty()) {
        const ssize_t n = ::write(file_.get(), rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            drop_reason_ = errno;
            // All or nothing, so that the caller's count is right and the file ends in a whole record.
            if (::ftruncate(file_.get(), before) == 0) size_ = before;
            return false;
        }
        rest.remove_prefix(static_cast<std::size_t>(n));
        size_ += n;
    }
    return true;
}

void LogFile::note_lost(std::uint64_t bytes, int reason) noexcept {
    dropped_ += bytes;
    drop_reason_ = reason;
}

void LogFile::note_dropped() noexcept {
    const std::uint64_t lost = dropped_;
    if (write_records(
            make_note(format_, fmt::format("kist: {} bytes of log were lost: {}\n", lost, errno_text(drop_reason_)))))
        dropped_ = 0;
}

void LogFile::rotate() noexcept {
    const auto last = static_cast<std::size_t>(max_files_ - 1);
    // The oldest goes by unlink, not by renaming over it: ext4 would take that for a careful replacement of a document and
    // write the new file out to the disk at once, which took 14 ms.
    ::unlink(piece_path(path_, last).c_str());
    if (last > 0) ::unlink(packed_path(path_, last).c_str());
    for (std::size_t n = last; n > 0; --n) {
        // A missing one in the middle is no failure. Both there: what was compressed outlived a crash before it was removed.
        if (n > 1 && ::rename(packed_path(path_, n - 1).c_str(), packed_path(path_, n).c_str()) == 0)
            ::unlink(piece_path(path_, n - 1).c_str());
        if (::rename(piece_path(path_, n - 1).c_str(), piece_path(path_, n).c_str()) != 0 && errno != ENOENT) return;
    }
    try {
        open(O_EXCL);
        ++rotations_;
    } catch (const Error&) {
        // Still open: the old file. It takes the output until the next attempt.
    }
}

void LogFile::expire(Moment now) noexcept {
    if (max_age_ <= 0) return;
    // Each file covers its part of the age, so that what is removed with a file is not much younger than it.
    const std::int64_t part = max_age_ / std::max(max_files_ - 1, 1);
    if (size_ > 0 && now.ns - born_ns_ >= part) rotate();
    for (std::size_t n = 1; n < static_cast<std::size_t>(max_files_); ++n) {
        for (const std::string& path : {piece_path(path_, n), packed_path(path_, n)}) {
            struct stat status {};
            if (::lstat(path.c_str(), &status) != 0) continue;
            const std::int64_t last_record = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
            if (now.ns - last_record > max_age_) ::unlink(path.c_str());
        }
    }
}

} // namespace kist::monitor
