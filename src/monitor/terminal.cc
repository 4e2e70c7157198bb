// SPDX-License-Identifier: Apache-2.0
#include "monitor/terminal.hh"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::monitor {

RawTerminal::RawTerminal(int fd) : fd_(fd) {
    if (::tcgetattr(fd_, &before_) != 0) throw SysError("reading the terminal's settings");
    termios raw = before_;
    ::cfmakeraw(&raw);
    // TCSADRAIN: what the user typed ahead stays.
    if (::tcsetattr(fd_, TCSADRAIN, &raw) != 0) throw SysError("setting the terminal to raw mode");
}

RawTerminal::~RawTerminal() { ::tcsetattr(fd_, TCSADRAIN, &before_); }

std::optional<WindowSize> window_size() {
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO}) {
        winsize size{};
        if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row != 0 && size.ws_col != 0)
            return WindowSize{size.ws_row, size.ws_col};
    }
    return std::nullopt;
}

} // namespace kist::monitor
