// SPDX-License-Identifier: Apache-2.0
// The event log read from its rotated file on, then followed by inotify, across further rotations.
#include "engine/events.hh"

#include <algorithm>
#include <limits>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hh"
#include "storage/event_log.hh"

namespace kist::engine {

namespace {

using storage::event_log_name;
using storage::rotated_event_log_name;

constexpr std::size_t chunk_size = 256 * 1024;

/// One of the log's files, read from where the last reading ended. A line counts when its new line is there.
class LogTail {
public:
    LogTail() = default;
    explicit LogTail(Fd file) : file_(std::move(file)) {
        struct stat status {};
        if (::fstat(file_.get(), &status) != 0) throw SysError("reading the event log");
        device_ = status.st_dev;
        inode_ = status.st_ino;
    }
    explicit operator bool() const { return static_cast<bool>(file_); }
    bool is_same_file(const LogTail& other) const { return device_ == other.device_ && inode_ == other.inode_; }

    template <typename Line>
    bool read(Line line) {
        for (;;) {
            const std::size_t kept = buffer_.size();
            buffer_.resize(kept + chunk_size);
            const ssize_t n = ::pread(file_.get(), buffer_.data() + kept, chunk_size, offset_);
            if (n < 0) throw SysError("reading the event log");
            buffer_.resize(kept + static_cast<std::size_t>(n));
            if (n == 0) return true;
            offset_ += n;
            std::size_t done = 0;
            for (std::size_t end = buffer_.find('\n', kept); end != std::string::npos; end = buffer_.find('\n', done)) {
                if (!line(std::string_view(buffer_).substr(done, end - done))) return false;
                done = end + 1;
            }
            buffer_.erase(0, done);
            if (buffer_.size() > 2 * storage::max_event_line) buffer_.clear(); // no line of ours
        }
    }

private:
    Fd file_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    off_t offset_ = 0;
    std::string buffer_;
};

class EventLogReader {
public:
    EventLogReader(const Dir& data, const EventQuery& query, std::function<bool(const EventRecord&)> sink)
        : data_(data), filter_(EventFilter::parse(query.filters)), sink_(std::move(sink)) {
        const Moment now = Moment::now();
        if (!query.since.empty()) since_ = parse_when(query.since, now);
        if (!query.until.empty()) until_ = parse_when(query.until, now);
        if (since_ && until_ && *until_ < *since_) throw UsageError("--until is before --since");
        skips_history_ = query.stream && !since_ && !until_;
    }

    /// What there is now. Also what nobody wants to see is read: a container that was renamed while it ran is called by its
    /// old name in what its monitor tells.
    bool read_history() {
        current_ = open(event_log_name);
        // Opened in this order no rotation in between hides a file.
        LogTail older = open(rotated_event_log_name);
        if (older && !(current_ && older.is_same_file(current_)) && !read(older)) return false;
        if (current_ && !read(current_)) return false;
        skips_history_ = false;
        return true;
    }

    void follow() {
        const Fd events{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
        const std::string folder = "/proc/self/fd/" + std::to_string(data_.fd().get());
        if (!events ||
            ::inotify_add_watch(events.get(), folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
            throw SysError("watching folder '{}'", data_.path());
        while (catch_up()) {
            pollfd source{events.get(), POLLIN, 0};
            const int ready = ::poll(&source, 1, wait_limit());
            if (ready < 0 && errno != EINTR) throw SysError("waiting for events");
            if (ready == 0) return;
            char drain[4096];
            while (::read(events.get(), drain, sizeof drain) > 0) continue;
        }
    }

private:
    LogTail open(std::string_view name) const {
        auto file = data_.open_file(std::string(name), O_RDONLY);
        return file ? LogTail(std::move(*file)) : LogTail();
    }

    bool read(LogTail& tail) {
        return tail.read([this](std::string_view line) { return take(line); });
    }

    bool catch_up() {
        for (;;) {
            // A writer that had opened the file before it was renamed may write to it after we have left it.
            if (left_ && !read(left_)) return false;
            if (current_ && !read(current_)) return false;
            LogTail now = open(event_log_name);
            if (!now || (current_ && now.is_same_file(current_))) return true;
            if (current_ && !read(current_)) return false;
            LogTail older = open(rotated_event_log_name);
            const bool missed_one = older && current_ && !older.is_same_file(current_) && !older.is_same_file(now);
            if (missed_one && !read(older)) return false;
            left_ = missed_one ? std::move(older) : std::move(current_);
            current_ = std::move(now);
        }
    }

    /// Nearly every line that is too old is recognised without being parsed.
    bool take(std::string_view line) {
        constexpr std::string_view begin = R"({"time":)";
        const bool renames = line.find(R"("action":"rename")") != std::string_view::npos;
        if (skips_history_ && !renames) return true;
        if (since_ && !renames && line.starts_with(begin)) {
            const auto digits = line.substr(begin.size(), line.find(',') - begin.size());
            const auto time = parse_unsigned(digits);
            if (time && *time < static_cast<std::uint64_t>(since_->ns)) return true;
        }
        auto event = parse_event(line);
        if (!event) return true;
        correct_name(*event);
        if (skips_history_ || (since_ && event->time < *since_)) return true;
        if (until_ && event->time > *until_) return event->time.ns < until_->ns + tolerance;
        return !filter_.matches(*event) || sink_(*event);
    }

    void correct_name(EventRecord& event) {
        if (event.type != "container") return;
        if (event.action == "rename") {
            if (const std::string* name = event.attribute("name")) names_[event.id] = *name;
        } else if (const auto renamed = names_.find(event.id); renamed != names_.end()) {
            event.attributes["name"] = renamed->second;
            if (event.action == "destroy") names_.erase(renamed);
        }
    }

    int wait_limit() const {
        if (!until_) return -1;
        constexpr std::int64_t ns_per_ms = 1'000'000;
        const std::int64_t left = (until_->ns - Moment::now().ns) / ns_per_ms + 1;
        return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
    }

    /// Lines of several writers may be this much out of order.
    static constexpr std::int64_t tolerance = 1'000'000'000;

    const Dir& data_;
    EventFilter filter_;
    std::function<bool(const EventRecord&)> sink_;
    std::optional<Moment> since_, until_;
    bool skips_history_ = false;
    LogTail current_, left_;
    std::map<std::string, std::string> names_;
};

} // namespace

void events(Engine& engine, const EventQuery& query, const std::function<bool(const EventRecord&)>& sink) {
    EventLogReader reader(engine.store().data(), query, sink);
    if (reader.read_history() && query.stream) reader.follow();
}

} // namespace kist::engine
