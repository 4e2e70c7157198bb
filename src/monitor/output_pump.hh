// SPDX-License-Identifier: Apache-2.0
// A container's output: from its pipes or terminal into the log, then to the attached clients.
#pragma once

#include <array>

#include "base/event_loop.hh"
#include "monitor/log_writer.hh"
#include "monitor/page_buffer.hh"
#include "monitor/server.hh"
#include "monitor/stdio.hh"

namespace kist::monitor {

class OutputPump {
public:
    /// `stdio` and `log` live longer. Watches from the start.
    OutputPump(EventLoop& loop, const ContainerStdio& stdio, LogWriter& log, Server& server);
    OutputPump(const OutputPump&) = delete;
    OutputPump& operator=(const OutputPump&) = delete;
    ~OutputPump();

    /// A client takes output again.
    void resume();
    /// After init's end: reads what is left (a pipe's content at most) without regard to full clients, then stops watching.
    void drain();

private:
    struct Source {
        int fd = -1;
        Stream stream = Stream::out;
        AttachFlag flag = attach_stdout;
        Packet packet = Packet::stdout_data;
        bool enlarged = false;
    };
    enum class Got { data, nothing, end };
    void on_readable(Source& source);
    Got read_batch(Source& source);
    void pause();
    void watch(Source& source);

    EventLoop& loop_;
    LogWriter& log_;
    Server& server_;
    std::array<Source, 2> sources_;
    PageBuffer buffer_;
    bool paused_ = false;
};

} // namespace kist::monitor
