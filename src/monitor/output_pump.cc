// SPDX-License-Identifier: Apache-2.0
#include "monitor/output_pump.hh"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace kist::monitor {

namespace {
/// A pipe that is found this full gets more room: fewer wake-ups of both sides for each megabyte.
constexpr ssize_t busy_read = 32 * 1024;
constexpr int busy_pipe_size = 512 * 1024;
/// Batches in a full pipe, with room to spare; a writer that nobody could kill must not keep us here.
constexpr int most_left = 64;
} // namespace

OutputPump::OutputPump(EventLoop& loop, const ContainerStdio& stdio, LogWriter& log, Server& server)
    : loop_(loop),
      log_(log),
      server_(server),
      sources_{Source{stdio.out.get(), Stream::out, attach_stdout, Packet::stdout_data},
               Source{stdio.err.get(), Stream::err, attach_stderr, Packet::stderr_data}},
      buffer_(max_packet) {
    for (Source& source : sources_) watch(source);
}

OutputPump::~OutputPump() {
    for (const Source& source : sources_)
        if (source.fd >= 0) loop_.unwatch(source.fd);
}

void OutputPump::watch(Source& source) {
    if (source.fd >= 0)
        loop_.watch(source.fd, paused_ ? 0U : EPOLLIN, [this, &source](std::uint32_t) { on_readable(source); });
}

void OutputPump::on_readable(Source& source) {
    // No end while we hold the other side open; where that could not be had, drain() reads what comes later.
    if (read_batch(source) == Got::end) return loop_.rearm(source.fd, 0);
    if (server_.is_blocked()) pause();
}

OutputPump::Got OutputPump::read_batch(Source& source) {
    char* memory = buffer_.data();
    const ssize_t n = ::read(source.fd, memory + 1, buffer_.size() - 1);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Got::nothing;
    if (n <= 0) return Got::end;
    const auto count = static_cast<std::size_t>(n);
    buffer_.touched(count + 1);
    log_.write(source.stream, {memory + 1, count});
    memory[0] = static_cast<char>(source.packet);
    server_.broadcast(source.flag, {memory, count + 1});
    if (n < busy_read) {
        buffer_.release();
        log_.release_memory();
    } else if (!std::exchange(source.enlarged, true)) {
        ::fcntl(source.fd, F_SETPIPE_SZ, busy_pipe_size); // refused for a terminal, or over a limit: as it was
    }
    return Got::data;
}

void OutputPump::pause() {
    paused_ = true;
    for (const Source& source : sources_)
        if (source.fd >= 0) loop_.rearm(source.fd, 0);
}

void OutputPump::resume() {
    if (!std::exchange(paused_, false)) return;
    for (const Source& source : sources_)
        if (source.fd >= 0) loop_.rearm(source.fd, EPOLLIN);
}

void OutputPump::drain() {
    for (Source& source : sources_) {
        if (source.fd < 0) continue;
        loop_.unwatch(source.fd);
        for (int n = 0; n < most_left && read_batch(source) == Got::data; ++n) continue;
        source.fd = -1;
    }
    log_.finish();
    log_.release_memory();
}

} // namespace kist::monitor
