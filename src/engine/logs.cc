// SPDX-License-Identifier: Apache-2.0
// logs: what containers have written, from their log files; no monitor is asked but for the end of a --follow.
#include <mutex>
#include <thread>

#include <unistd.h>

#include "base/text.hh"
#include "engine/containers.hh"
#include "engine/log_options.hh"
#include "monitor/control.hh"
#include "monitor/log_reader.hh"
#include "storage/unpack_client.hh"

namespace kist::engine {

namespace {

using monitor::LogRecord;

constexpr std::size_t flush_size = 64 * 1024;

/// Standard output and error, written in large pieces and never in the middle of another container's line.
class LogPrinter {
public:
    LogPrinter(const LogOptions& options, std::mutex& mutex) : options_(options), mutex_(mutex) {}

    bool print(const LogRecord& record, const std::string& prefix) {
        std::size_t index = record.stream == monitor::Stream::out ? 0 : 1;
        // What goes to the other stream goes out first, so that a terminal shows the order of writing.
        if (!text_[1 - index].empty() && !flush()) return false;
        std::string& text = text_[index];
        if (at_line_start_[index]) {
            text += prefix;
            if (options_.timestamps) text += record.time + " ";
            if (options_.details) text += record.details + " ";
        }
        text += record.text;
        at_line_start_[index] = record.ends_line();
        return text.size() < flush_size || flush();
    }
    /// False when nobody reads any more.
    bool flush() {
        std::lock_guard lock(mutex_);
        bool open = write_out(STDOUT_FILENO, text_[0]);
        return write_out(STDERR_FILENO, text_[1]) && open;
    }

private:
    static bool write_out(int fd, std::string& text) {
        std::string_view rest = text;
        while (!rest.empty()) {
            ssize_t n = write(fd, rest.data(), rest.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return false;
            rest.remove_prefix(static_cast<std::size_t>(n));
        }
        text.clear();
        return true;
    }

    const LogOptions& options_;
    std::mutex& mutex_;
    std::string text_[2];
    bool at_line_start_[2] = {true, true};
};

monitor::LogQuery make_query(const LogOptions& options) {
    monitor::LogQuery query;
    Moment now = Moment::now();
    if (options.tail >= 0) query.tail = static_cast<std::uint64_t>(options.tail);
    if (!options.since.empty()) query.since = parse_when(options.since, now);
    if (!options.until.empty()) query.until = parse_when(options.until, now);
    return query;
}

std::string make_prefix(const storage::ContainerConfig& config, const LogOptions& options, std::size_t index,
                        bool many) {
    std::string text = options.names ? config.name + " " : many ? config.id.substr(0, 12) + " " : "";
    if (!options.color || text.empty()) return text;
    return fmt::format("\x1b[{}m{}\x1b[0m", 31 + index % 6, text);
}

struct Source {
    monitor::LogReader reader;
    std::string prefix;
    Dir run;
};

void show(Source& source, const LogOptions& options, std::mutex& mutex) {
    LogPrinter printer(options, mutex);
    auto sink = [&](const LogRecord& record) { return printer.print(record, source.prefix); };
    // Connected before reading: an end between the two would otherwise be waited for in vain.
    auto client = options.follow ? monitor::ControlClient::connect(source.run) : std::nullopt;
    bool more = source.reader.read(sink);
    if (!printer.flush() || !more || !client) return;
    source.reader.follow(sink, client->fd(), [&] { printer.flush(); });
    printer.flush();
}

} // namespace

void logs(Engine& engine, const std::vector<ContainerId>& ids, const LogOptions& options) {
    monitor::LogQuery query = make_query(options);
    std::vector<Source> sources;
    for (const ContainerId& id : ids) {
        auto view = engine.containers().view(id);
        if (!view) throw NotFound("No such container: {}", id.str());
        if (view->damage.empty() && !has_log_file(view->config))
            throw Error("container '{}': configured logging driver does not support reading", view->config.name)
                .with_exit_code(ExitCode::failure);
        std::string path = engine.containers().data_dir(id).path_of(log_file_name(view->config));
        const auto expand = [&engine, id](const Fd& packed) {
            return storage::expand_file(packed, engine.containers().data_dir(id));
        };
        sources.push_back({monitor::LogReader(path, query, expand),
                           make_prefix(view->config, options, sources.size(), ids.size() > 1),
                           engine.containers().run_dir(id)});
    }
    std::mutex mutex;
    if (!options.follow || sources.size() == 1) {
        for (Source& source : sources) show(source, options, mutex);
        return;
    }
    std::vector<std::jthread> threads;
    for (Source& source : sources) threads.emplace_back([&] { show(source, options, mutex); });
}

} // namespace kist::engine
