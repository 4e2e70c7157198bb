// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_reader.hh"

#include <algorithm>
#include <limits>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::monitor {

namespace {

constexpr std::size_t chunk_size = 256 * 1024;
/// More bytes than this without a newline are no record of anybody's.
constexpr std::size_t longest_line = 1 << 20;
constexpr std::size_t most_files = 1000;

std::int64_t size_of(const Fd& file) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) throw SysError("reading the size of a log file");
    return status.st_size;
}

std::string read_at(const Fd& file, std::int64_t offset, std::size_t count) {
    std::string bytes(count, '\0');
    const ssize_t n = ::pread(file.get(), bytes.data(), count, offset);
    if (n < 0) throw SysError("reading a log file");
    bytes.resize(static_cast<std::size_t>(n));
    return bytes;
}

/// The lines of a file from its last to its first. What follows the last newline is still being written: left out.
class ReverseLines {
public:
    explicit ReverseLines(const Fd& file) : file_(file), fetched_from_(size_of(file)) {
        std::string_view discard;
        next(discard);
    }
    /// False at the start of the file. `line` (without newline) is valid until the next call.
    bool next(std::string_view& line) {
        for (;;) {
            // The byte before the remaining text is the newline of the line that we look for.
            const auto newline = text_.rfind('\n');
            if (newline != std::string::npos) {
                line_.assign(text_, newline + 1);
                text_.resize(newline);
                start_ = fetched_from_ + static_cast<std::int64_t>(newline) + 1;
                line = line_;
                return true;
            }
            if (fetched_from_ == 0) break;
            const auto count = std::min<std::int64_t>(fetched_from_, chunk_size);
            fetched_from_ -= count;
            text_.insert(0, read_at(file_, fetched_from_, static_cast<std::size_t>(count)));
        }
        if (finished_) return false;
        finished_ = true;
        line_ = std::exchange(text_, {});
        start_ = 0;
        line = line_;
        return !line_.empty();
    }
    /// Where the line that next() gave starts.
    std::int64_t start() const { return start_; }

private:
    const Fd& file_;
    std::int64_t fetched_from_;
    std::int64_t start_ = 0;
    std::string text_, line_;
    bool finished_ = false;
};

} // namespace

LogReader::LogReader(std::string path, LogQuery query, ExpandLog expand)
    : path_(std::move(path)), query_(query), expand_(std::move(expand)) {}

std::vector<LogPiece> LogReader::open_all() const {
    // Newest first: a rotation in between shows the same file once more under its new name, but hides none.
    std::vector<LogPiece> pieces;
    int missing = 0;
    for (std::size_t n = 0; n < most_files; ++n) {
        auto piece = LogPiece::open(path_, n);
        if (!piece && ++missing > 1) break;
        if (!piece) continue; // in the middle of a rotation there is one gap
        const bool known =
            std::any_of(pieces.begin(), pieces.end(), [&](const LogPiece& other) { return other.id() == piece->id(); });
        if (!known) pieces.push_back(std::move(*piece));
    }
    return pieces;
}

/// False: it cannot be read, and is gone from `pieces`.
bool LogReader::make_plain(std::vector<LogPiece>& pieces, std::size_t index) {
    if (pieces[index].make_plain(expand_)) return true;
    ++damaged_;
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(index));
    return false;
}

namespace {

/// The first whole record at or behind `offset`, and where it starts.
struct Found {
    std::int64_t start = 0;
    Moment moment;
};
std::optional<Found> record_at(const Fd& file, std::int64_t offset, std::int64_t size) {
    constexpr std::size_t window = max_log_record * 2;
    LogRecord record;
    const std::string bytes =
        read_at(file, offset, static_cast<std::size_t>(std::min<std::int64_t>(window, size - offset)));
    std::size_t start = 0;
    if (offset > 0) start = bytes.find('\n') + 1;
    for (std::size_t end = bytes.find('\n', start); start <= bytes.size() && end != std::string::npos;
         end = bytes.find('\n', start)) {
        if (decode_record(std::string_view(bytes).substr(start, end - start), record) && record.moment().is_set())
            return Found{offset + static_cast<std::int64_t>(start), record.moment()};
        start = end + 1;
    }
    return std::nullopt;
}

/// Where records of `since` and later begin, give or take a little before: a log is in the order of time.
std::int64_t search(const Fd& file, Moment since) {
    constexpr std::int64_t near_enough = 64 * 1024;
    std::int64_t before = 0, behind = size_of(file);
    const std::int64_t size = behind;
    while (behind - before > near_enough) {
        const std::int64_t middle = before + (behind - before) / 2;
        const auto found = record_at(file, middle, size);
        if (!found || found->start >= behind || found->moment >= since) behind = middle;
        else before = found->start;
    }
    return before;
}

} // namespace

LogReader::Start LogReader::find_since(std::vector<LogPiece>& pieces) {
    // The newest file that begins before the moment; else the oldest there is.
    for (std::size_t n = 0; n < pieces.size();) {
        if (!make_plain(pieces, n)) continue;
        const Fd& file = pieces[n].file();
        const auto first = record_at(file, 0, size_of(file));
        if (first && first->moment < *query_.since) return {n, search(file, *query_.since)};
        ++n;
    }
    return {pieces.empty() ? 0 : pieces.size() - 1, 0};
}

LogReader::Start LogReader::find_start(std::vector<LogPiece>& pieces) {
    if (query_.since && !query_.tail) return find_since(pieces);
    LogRecord record;
    std::uint64_t lines = 0;
    for (std::size_t n = 0; query_.tail && n < pieces.size();) {
        if (!make_plain(pieces, n)) continue;
        ReverseLines reverse(pieces[n].file());
        std::string_view line;
        while (reverse.next(line)) {
            const std::int64_t end = reverse.start() + static_cast<std::int64_t>(line.size()) + 1;
            if (!decode_record(line, record)) continue;
            if (query_.until && record.moment() > *query_.until) continue;
            // The newest record ends a line even when its newline has not come yet.
            if (lines == 0 || record.ends_line()) ++lines;
            if (lines > *query_.tail) return {n, end};
            if (query_.since && record.moment() < *query_.since) return {n, end};
        }
        ++n;
    }
    return {pieces.empty() ? 0 : pieces.size() - 1, 0};
}

void LogReader::switch_to(LogPiece piece, std::int64_t offset) {
    if (!buffer_.empty()) ++damaged_; // a file that was left behind ends in a torn record
    buffer_.clear();
    id_ = piece.id();
    file_ = std::move(piece).take();
    offset_ = offset;
}

bool LogReader::read(const Sink& sink) {
    std::vector<LogPiece> pieces = open_all();
    const Start start = find_start(pieces);
    for (std::size_t n = std::min(start.file + 1, pieces.size()); n-- > 0;) {
        if (!make_plain(pieces, n)) continue;
        switch_to(std::move(pieces[n]), n == start.file ? start.offset : 0);
        // Not for ever behind a writer that is faster than our reader.
        if (!read_to(size_of(file_), sink)) return false;
    }
    return true;
}

bool LogReader::read_to_end(const Sink& sink) { return read_to(std::numeric_limits<std::int64_t>::max(), sink); }

bool LogReader::read_to(std::int64_t limit, const Sink& sink) {
    while (offset_ < limit) {
        const std::size_t kept = buffer_.size();
        buffer_.resize(kept + chunk_size);
        const ssize_t n = ::pread(file_.get(), buffer_.data() + kept, chunk_size, offset_);
        if (n < 0) throw SysError("reading log file '{}'", path_);
        buffer_.resize(kept + static_cast<std::size_t>(n));
        offset_ += n;
        if (n == 0) return true;
        std::size_t done = 0;
        for (std::size_t end = buffer_.find('\n', kept); end != std::string::npos; end = buffer_.find('\n', done)) {
            if (!deliver(std::string_view(buffer_).substr(done, end - done), sink)) return false;
            done = end + 1;
        }
        buffer_.erase(0, done);
        if (buffer_.size() > longest_line) {
            buffer_.clear();
            ++damaged_;
        }
    }
    return true;
}

bool LogReader::deliver(std::string_view line, const Sink& sink) {
    if (!decode_record(line, record_)) {
        ++damaged_;
        return true;
    }
    if (!selects(record_)) return !past_until_;
    return sink(record_);
}

bool LogReader::selects(const LogRecord& record) {
    if (!query_.since && !query_.until) return true;
    if (record.time != last_time_) {
        last_time_ = record.time;
        last_moment_ = record.moment();
    }
    if (query_.until && last_moment_ > *query_.until) {
        past_until_ = true;
        return false;
    }
    return !query_.since || last_moment_ >= *query_.since;
}

bool LogReader::was_rotated() const {
    const auto newest = LogPiece::open(path_, 0);
    return !file_ || !newest || newest->id() != id_;
}

bool LogReader::move_to_next_file() {
    if (!file_) {
        auto first = LogPiece::open(path_, 0);
        if (!first) return false;
        switch_to(std::move(*first), 0);
        return true;
    }
    const auto go_to = [&](LogPiece piece) {
        if (!piece.make_plain(expand_)) return ++damaged_, false;
        switch_to(std::move(piece), 0);
        return true;
    };
    int missing = 0;
    for (std::size_t n = 0; n < most_files; ++n) {
        const auto piece = LogPiece::open(path_, n);
        if (!piece && ++missing > 1) break;
        if (!piece || piece->id() != id_) continue;
        // The nearest newer one that exists: one name may be missing in the middle of a rotation.
        for (std::size_t newer = n; newer-- > 0;) {
            auto next = LogPiece::open(path_, newer);
            if (next && next->id() != id_ && go_to(std::move(*next))) return true;
        }
        return false;
    }
    // Ours was deleted by several rotations since: go on with the oldest there is.
    for (std::vector<LogPiece> pieces = open_all(); !pieces.empty(); pieces.pop_back())
        if (go_to(std::move(pieces.back()))) return true;
    return false;
}

int LogReader::wait_limit() const {
    if (!query_.until) return -1;
    constexpr std::int64_t ns_per_ms = 1'000'000;
    const std::int64_t left = (query_.until->ns - Moment::now().ns) / ns_per_ms + 1;
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

bool LogReader::catch_up(const Sink& sink) {
    for (;;) {
        if (file_ && !read_to_end(sink)) return false;
        if (!was_rotated()) return true;
        // Written after our end of file and before the rotation; now nothing more is coming in this file.
        if (file_ && !read_to_end(sink)) return false;
        if (!move_to_next_file()) return true;
    }
}

bool LogReader::follow(const Sink& sink, int ended, const std::function<void()>& idle) {
    const Fd events{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    if (!events) throw SysError("watching log file '{}'", path_);
    const std::string folder = path_.substr(0, path_.rfind('/') + 1);
    // The folder, not the file: it tells of writes and of rotations alike.
    if (::inotify_add_watch(events.get(), folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
        throw SysError("watching folder '{}'", folder);
    for (bool last_round = false;;) {
        if (!catch_up(sink)) return false;
        if (last_round) return true;
        if (idle) idle();
        pollfd sources[2] = {{events.get(), POLLIN, 0}, {ended, POLLIN | POLLRDHUP, 0}};
        const int ready = ::poll(sources, 2, wait_limit());
        if (ready < 0 && errno != EINTR) throw SysError("waiting for log file '{}'", path_);
        if (ready == 0) return false;
        last_round = sources[1].revents != 0;
        char drain[4096];
        while (::read(events.get(), drain, sizeof drain) > 0) continue;
    }
}

} // namespace kist::monitor
