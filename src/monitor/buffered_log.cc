// SPDX-License-Identifier: Apache-2.0
// The talk: the monitor sends packets of records, "!BYTES REASON" for lost ones and "?", which is answered by "." when all before
// it is written. The first "." says that the log is open.
#include "monitor/buffered_log.hh"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/error.hh"
#include "base/event_loop.hh"
#include "base/lock.hh"
#include "base/socket.hh"
#include "base/text.hh"
#include "monitor/kept_log.hh"
#include "monitor/log_encode.hh"
#include "monitor/spawn.hh"
#include "oci/run/cgroup.hh"
#include "storage/programs.hh"

namespace kist::monitor {

namespace {

constexpr std::size_t usual_packet = 64 * 1024;
constexpr std::size_t job_size_limit = 16u << 20;
constexpr auto answer_patience = std::chrono::seconds(10);
constexpr auto log_lock_patience = std::chrono::seconds(5); ///< less, so that the failure is told
constexpr const char* log_lock = "log.lock";
constexpr std::string_view question = "?", answer = ".";

/// As many whole records as a packet should have; at least one.
std::size_t packet_size(std::string_view records) {
    if (records.size() <= usual_packet) return records.size();
    const std::size_t end = records.substr(0, usual_packet).rfind('\n');
    return end != std::string_view::npos ? end + 1 : records.find('\n') + 1;
}

void set_buffer(const Fd& socket, std::int64_t size) {
    // The largest packet has to fit, whatever was asked for.
    const int bytes = static_cast<int>(std::clamp<std::int64_t>(size, 2 * max_log_record, 1 << 30));
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0 &&
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) != 0)
        throw SysError("setting the size of the log's buffer");
}

void wait_for_answer(const Fd& socket) {
    pollfd source{socket.get(), POLLIN, 0};
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(answer_patience).count();
    if (::poll(&source, 1, static_cast<int>(limit)) <= 0) return;
    const auto message = receive_message(socket, usual_packet);
    if (!message) throw Error("the log's writer ended");
    if (message->bytes != answer) throw parse_failure(message->bytes);
}

} // namespace

BufferedLog::BufferedLog(const Dir& run, std::string container_id, std::int64_t buffer_size)
    : run_(run), id_(std::move(container_id)), buffer_size_(buffer_size) {
    start();
}

/// Does not wait for a writer that hangs: it ends by itself when it has written what it has.
BufferedLog::~BufferedLog() {
    socket_.reset();
    pollfd end{child_.pidfd().get(), POLLIN, 0};
    if (::poll(&end, 1, 1000) > 0) child_.wait();
    child_.release();
}

void BufferedLog::start() {
    SocketPair sockets = make_socket_pair();
    set_buffer(sockets.first, buffer_size_);
    const Fd nothing = open_null();
    Child child =
        spawn(plan_monitor({storage::program_path("kist-monitor"), "--log", id_}, nothing, sockets.second, run_));
    sockets.second.reset();
    wait_for_answer(sockets.first);
    socket_ = std::move(sockets.first);
    child_ = std::move(child);
}

bool BufferedLog::send(std::string_view message, int flags) noexcept {
    for (;;) {
        const ssize_t n = ::send(socket_.get(), message.data(), message.size(), flags | MSG_NOSIGNAL);
        if (n >= 0) return true;
        if (errno != EINTR) return false;
    }
}

bool BufferedLog::tell_lost() noexcept {
    if (lost_ == 0) return true;
    if (!send(fmt::format("!{} {}", lost_, lost_reason_), MSG_DONTWAIT)) return false;
    lost_ = 0;
    return true;
}

void BufferedLog::note_lost(std::uint64_t bytes, int reason) noexcept {
    lost_ += bytes;
    lost_reason_ = reason;
}

void BufferedLog::append(std::string_view records) noexcept {
    bool is_second_try = false;
    while (!records.empty()) {
        const std::size_t size = packet_size(records);
        if (tell_lost() && send(records.substr(0, size), MSG_DONTWAIT)) {
            records.remove_prefix(size);
            continue;
        }
        const int reason = errno;
        if (reason == EAGAIN || std::exchange(is_second_try, true)) return note_lost(records.size(), ENOBUFS);
        try {
            start(); // the process was killed: what it had in its buffer is gone with it
        } catch (const Error&) {
            return note_lost(records.size(), reason);
        }
    }
}

void BufferedLog::sync() noexcept {
    const timeval limit{answer_patience.count(), 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    try {
        if (tell_lost() && send(question, 0)) wait_for_answer(socket_);
    } catch (const Error&) { // it is started again when there is something to write
    }
}

void write_buffered_log(const Dir& run, const Fd& socket) {
    const Job job = parse_job(read_file(run, std::string(job_file), job_size_limit), job_file);
    // The writer of a monitor that was killed may still have something to write.
    const FileLock lock = FileLock::acquire(run, log_lock, LockMode::exclusive, log_lock_patience);
    EventLoop loop;
    const std::unique_ptr<LogSink> log = open_log(loop, job.log);
    send_message(socket, answer);
    loop.watch(socket.get(), EPOLLIN, [&](std::uint32_t) {
        const auto message = receive_message(socket, usual_packet + max_log_record);
        if (!message) return loop.stop();
        const std::string_view bytes = message->bytes;
        if (bytes == question) return send_message(socket, answer);
        if (!bytes.starts_with('!')) return log->append(bytes);
        const auto [count, reason] = split_once(bytes.substr(1), ' ');
        log->note_lost(parse_unsigned(count, UINT64_MAX).value_or(0),
                       static_cast<int>(parse_unsigned(reason.value_or("0"), INT32_MAX).value_or(0)));
    });
    try {
        oci::join_monitor_cgroup(oci::CgroupHost::detect());
    } catch (const Error&) { // as for the monitor itself
    }
    loop.run();
}

} // namespace kist::monitor
