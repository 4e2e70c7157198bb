// SPDX-License-Identifier: Apache-2.0
// Standard output or error of an attached command: written without ever blocking, so that a full pager does not keep a
// Ctrl-C from reaching the container, and without changing flags of a file that is shared with the shell.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/event_loop.hh"
#include "base/fd.hh"

namespace kist::monitor {

class ClientOutput {
public:
    /// `on_drained` is called from the loop when all that write() had kept has gone out, or can never go out.
    ClientOutput(EventLoop& loop, int fd, std::function<void()> on_drained);
    ClientOutput(const ClientOutput&) = delete;
    ClientOutput& operator=(const ClientOutput&) = delete;
    ~ClientOutput();

    /// Writes what goes out at once and keeps the rest.
    void write(std::string_view bytes);
    bool is_waiting() const { return !pending_.empty(); }
    /// Nobody reads it any more (EPIPE), or its disk is full: what is written to it is dropped.
    bool is_closed() const { return closed_; }

private:
    std::size_t write_some(std::string_view bytes);
    void on_writable();

    EventLoop& loop_;
    int fd_;
    Fd own_; ///< the same pipe or terminal opened once more, non-blocking
    bool is_socket_ = false;
    bool closed_ = false;
    std::string pending_;
    std::function<void()> on_drained_;
};

} // namespace kist::monitor
