// SPDX-License-Identifier: Apache-2.0
#include "engine/exec_terminal.hh"

#include <csignal>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/event_loop.hh"
#include "monitor/terminal.hh"

namespace kist::engine {

namespace {

constexpr char end_of_file = 4; // what a terminal sends for Ctrl-D

class Relay {
public:
    Relay(Child& child, Fd& master, const RelayOptions& options)
        : child_(child), master_(master), matcher_(options.detach_sequence) {
        fcntl(master_.get(), F_SETFL, fcntl(master_.get(), F_GETFL) | O_NONBLOCK);
        resize();
        loop_.watch(master_.get(), EPOLLIN, [this](std::uint32_t events) { on_master(events); });
        loop_.watch(child_.pidfd().get(), EPOLLIN, [this](std::uint32_t) { loop_.stop(); });
        loop_.on_signals({SIGWINCH}, [this](const signalfd_siginfo&) { resize(); });
        loop_.on_signals({SIGINT, SIGQUIT, SIGTERM, SIGHUP},
                         [this](const signalfd_siginfo& info) { child_.signal(static_cast<int>(info.ssi_signo)); });
        if (options.interactive) watch_input();
    }
    /// True when the user has detached.
    bool run() {
        loop_.run();
        if (!detached_) drain();
        return detached_;
    }

private:
    void watch_input() {
        try {
            loop_.watch(STDIN_FILENO, EPOLLIN, [this](std::uint32_t) { on_input(); });
            input_pollable_ = true;
        } catch (const SysError& e) {
            if (e.code != EPERM) throw; // a regular file is always ready: it is read as the pty takes it
            on_input();
        }
    }

    void resize() {
        auto size = monitor::window_size();
        if (!size) return;
        winsize now{};
        now.ws_row = size->rows;
        now.ws_col = size->columns;
        ioctl(master_.get(), TIOCSWINSZ, &now);
    }

    void on_input() {
        char buffer[4096];
        ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (hold_timer_ != 0) loop_.cancel(std::exchange(hold_timer_, 0));
        if (n <= 0) {
            if (input_pollable_) loop_.unwatch(STDIN_FILENO);
            input_ended_ = true;
            pending_ += end_of_file;
        } else if (matcher_.feed({buffer, static_cast<std::size_t>(n)}, pending_)) {
            detached_ = true;
            return loop_.stop();
        }
        // A lone first key of the sequence is the shell's after a moment (SEEDS A134).
        if (matcher_.is_holding())
            hold_timer_ = loop_.after(std::chrono::milliseconds(200), [this] {
                hold_timer_ = 0;
                pending_ += matcher_.take_held();
                flush();
            });
        flush();
    }

    /// What the pty takes; while it takes no more, no more is read from the user.
    void flush() {
        while (!pending_.empty()) {
            ssize_t n = write(master_.get(), pending_.data(), pending_.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) break;
            pending_.erase(0, static_cast<std::size_t>(n));
        }
        bool more_in_file = !input_pollable_ && !input_ended_;
        loop_.rearm(master_.get(),
                    EPOLLIN | (pending_.empty() && !more_in_file ? 0u : static_cast<unsigned>(EPOLLOUT)));
        if (input_pollable_ && !input_ended_)
            loop_.rearm(STDIN_FILENO, pending_.empty() ? static_cast<unsigned>(EPOLLIN) : 0u);
    }

    void on_master(std::uint32_t events) {
        if ((events & EPOLLOUT) != 0) {
            if (pending_.empty() && !input_pollable_ && !input_ended_) on_input();
            else flush();
        }
        if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !copy_output()) loop_.unwatch(master_.get());
    }

    /// False at the end: every slave is closed (EIO).
    bool copy_output() {
        char buffer[16384];
        ssize_t n = read(master_.get(), buffer, sizeof buffer);
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        if (n == 0) return false;
        for (ssize_t done = 0; done < n;) {
            ssize_t written = write(STDOUT_FILENO, buffer + done, static_cast<std::size_t>(n - done));
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return true; // our reader is gone: the process is not to be stopped for it
            done += written;
        }
        return true;
    }

    void drain() {
        int waiting = 0;
        while (ioctl(master_.get(), FIONREAD, &waiting) == 0 && waiting > 0 && copy_output()) {
        }
    }

    Child& child_;
    Fd& master_;
    EventLoop loop_;
    monitor::DetachMatcher matcher_;
    std::string pending_;
    EventLoop::TimerId hold_timer_ = 0;
    bool input_pollable_ = false, input_ended_ = false, detached_ = false;
};

} // namespace

std::optional<int> relay_terminal(Child& child, Fd& master, const RelayOptions& options) {
    std::optional<monitor::RawTerminal> raw;
    if (options.interactive && isatty(STDIN_FILENO)) raw.emplace(STDIN_FILENO);
    bool detached = Relay(child, master, options).run();
    raw.reset();
    if (detached) return std::nullopt;
    return child.wait().code();
}

int keep_reading(Child& child, const Fd& master) {
    fcntl(master.get(), F_SETFL, fcntl(master.get(), F_GETFL) & ~O_NONBLOCK);
    char buffer[16384];
    while (read(master.get(), buffer, sizeof buffer) > 0 || errno == EINTR) {
    }
    return child.wait().code();
}

} // namespace kist::engine
