// SPDX-License-Identifier: Apache-2.0
// The user's terminal while it is connected to a container's.
#pragma once

#include <optional>

#include <termios.h>

#include "monitor/protocol.hh"

namespace kist::monitor {

/// Raw mode on a terminal: every key goes to the container. Restored when this object goes.
class RawTerminal {
public:
    explicit RawTerminal(int fd);
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal();

private:
    int fd_;
    termios before_{};
};

/// Of the first of standard output, error, input that is a terminal.
std::optional<WindowSize> window_size();

} // namespace kist::monitor
