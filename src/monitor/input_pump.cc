// SPDX-License-Identifier: Apache-2.0
#include "monitor/input_pump.hh"

#include <cerrno>
#include <utility>

#include <termios.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::monitor {

namespace {
/// Not a client: what the pump itself types.
constexpr ClientId nobody = 0;
} // namespace

InputPump::InputPump(EventLoop& loop, Server& server, Fd target, Kind kind)
    : loop_(loop), server_(server), target_(std::move(target)), kind_(kind) {}

InputPump::~InputPump() {
    if (waiting_) loop_.unwatch(target_.get());
}

void InputPump::write(ClientId client, std::string_view bytes) {
    if (!target_ || finishing_) return;
    std::size_t owed = bytes.size();
    for (const Chunk& chunk : pending_)
        if (chunk.client == client) owed += chunk.bytes.size() - chunk.written;
    if (owed > stdin_window + max_packet)
        return server_.dismiss(client, Error("more input was sent than there was room for"));
    // Keys come one by one: they share a chunk, so that the list stays short.
    if (!pending_.empty() && pending_.back().client == client) pending_.back().bytes += bytes;
    else pending_.push_back({client, std::string(bytes)});
    if (!waiting_) write_some();
}

void InputPump::write_some() {
    while (!pending_.empty()) {
        Chunk& chunk = pending_.front();
        const ssize_t n =
            ::write(target_.get(), chunk.bytes.data() + chunk.written, chunk.bytes.size() - chunk.written);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            if (!std::exchange(waiting_, true))
                loop_.watch(target_.get(), EPOLLOUT, [this](std::uint32_t) { write_some(); });
            return;
        }
        if (n < 0) return close(); // EPIPE: the container has closed its stdin; EIO: its terminal
        chunk.written += static_cast<std::size_t>(n);
        if (chunk.client != nobody) server_.send(chunk.client, Packet::stdin_credit, std::to_string(n));
        if (chunk.written == chunk.bytes.size()) pending_.pop_front();
    }
    if (std::exchange(waiting_, false)) loop_.unwatch(target_.get());
    if (finishing_ && kind_ == Kind::pipe) close();
}

void InputPump::finish() {
    if (!target_ || finishing_) return;
    if (kind_ == Kind::terminal) {
        termios settings{};
        char key = '\004';
        if (::tcgetattr(target_.get(), &settings) == 0) key = static_cast<char>(settings.c_cc[VEOF]);
        pending_.push_back({nobody, std::string(1, key)});
        if (!waiting_) write_some();
        return;
    }
    finishing_ = true;
    if (!waiting_) write_some();
}

void InputPump::close() {
    if (std::exchange(waiting_, false)) loop_.unwatch(target_.get());
    pending_.clear();
    target_.reset();
    server_.send_all(Packet::stdin_closed, {});
}

} // namespace kist::monitor
