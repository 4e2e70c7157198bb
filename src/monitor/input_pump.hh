// SPDX-License-Identifier: Apache-2.0
// A container's input: what attached clients send, in the order of its arrival, at the pace of the container.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "base/event_loop.hh"
#include "base/fd.hh"
#include "monitor/server.hh"

namespace kist::monitor {

class InputPump {
public:
    enum class Kind { pipe, terminal };
    /// `target` is non-blocking; none: the container has no stdin.
    InputPump(EventLoop& loop, Server& server, Fd target, Kind kind);
    InputPump(const InputPump&) = delete;
    InputPump& operator=(const InputPump&) = delete;
    ~InputPump();

    /// A client that sends more than its credit is dismissed.
    void write(ClientId client, std::string_view bytes);
    /// End of file behind what has been written: closes a pipe; types the terminal's end-of-file key.
    void finish();
    bool is_open() const { return static_cast<bool>(target_); }

private:
    struct Chunk {
        ClientId client;
        std::string bytes;
        std::size_t written = 0;
    };
    void write_some();
    void close();

    EventLoop& loop_;
    Server& server_;
    Fd target_;
    Kind kind_;
    std::deque<Chunk> pending_;
    bool finishing_ = false;
    bool waiting_ = false;
};

} // namespace kist::monitor
