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

namespace kist::monitor {

LogFile::LogFile(const LogConfig& config)
    : path_(config.path),
      is_k8s_(config.driver == "k8s-file"),
      max_size_(config.max_size),
      max_files_(std::max(config.max_files, 1)) {
    open(0);
    cut_torn_record();
}

void LogFile::open(int extra_flags) {
    constexpr mode_t readable_by_group = 0640;
    Fd file{
        ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | extra_flags, readable_by_group)};
    if (!file) throw SysError("opening log file '{}'", path_);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) throw SysError("reading the size of log file '{}'", path_);
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

void LogFile::note_dropped() noexcept {
    const std::uint64_t lost = dropped_;
    const std::string text = fmt::format("kist: {} bytes of log were lost: {}\n", lost, errno_text(drop_reason_));
    if (is_k8s_) {
        if (write_records(to_rfc3339(Moment::now()) + " stderr F " + text)) dropped_ = 0;
        return;
    }
    std::string record = R"({"log":")";
    std::string escaped(text.size() * 6, '\0');
    escaped.resize(static_cast<std::size_t>(escape_json(escaped.data(), text) - escaped.data()));
    record += escaped + R"(","stream":"stderr","time":")" + to_rfc3339(Moment::now()) + "\"}\n";
    if (write_records(record)) dropped_ = 0;
}

void LogFile::rotate() noexcept {
    const auto numbered = [&](int n) { return n == 0 ? path_ : fmt::format("{}.{}", path_, n); };
    // The oldest goes by unlink, not by renaming over it: ext4 would take that for a careful replacement of a document and
    // write the new file out to the disk at once, which took 14 ms.
    ::unlink(numbered(max_files_ - 1).c_str());
    for (int n = max_files_ - 1; n > 0; --n) {
        // A missing one in the middle is no failure.
        if (::rename(numbered(n - 1).c_str(), numbered(n).c_str()) != 0 && errno != ENOENT) return;
    }
    try {
        open(O_EXCL);
    } catch (const Error&) {
        // Still open: the old file. It takes the output until the next attempt.
    }
}

} // namespace kist::monitor
