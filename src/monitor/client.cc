// SPDX-License-Identifier: Apache-2.0
#include "monitor/client.hh"

#include <array>
#include <chrono>
#include <csignal>
#include <optional>

#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/event_loop.hh"
#include "base/signals.hh"
#include "base/text.hh"
#include "monitor/client_output.hh"
#include "monitor/detach_keys.hh"
#include "monitor/packet_socket.hh"
#include "monitor/terminal.hh"

namespace kist::monitor {

namespace {

/// How long a Ctrl-P may wait for its Ctrl-Q before the container gets it.
constexpr auto detach_pause = std::chrono::milliseconds(200);
constexpr std::size_t input_chunk = 32 * 1024;

/// SIGPIPE must neither end us (the terminal would stay raw) nor stay ignored in what the caller starts later.
class IgnoredSigpipe {
public:
    IgnoredSigpipe() {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGPIPE, &ignore, &before_);
    }
    IgnoredSigpipe(const IgnoredSigpipe&) = delete;
    IgnoredSigpipe& operator=(const IgnoredSigpipe&) = delete;
    ~IgnoredSigpipe() { ::sigaction(SIGPIPE, &before_, nullptr); }

private:
    struct sigaction before_ {};
};

bool is_proxied(int signal) {
    switch (signal) {
    case SIGKILL:
    case SIGSTOP:
    case SIGCHLD:
    case SIGPIPE:
    case SIGURG:
    case SIGWINCH:
    case SIGTTIN: // a background read must stop us, as it does every program
    case SIGTTOU:
    case SIGSEGV: // these four tell of a fault of ours
    case SIGBUS:
    case SIGFPE:
    case SIGILL: return false;
    default: return signal < __SIGRTMIN || signal >= SIGRTMIN; // between them: the C library's own
    }
}

sigset_t signals_to_take(const AttachSettings& settings, bool raw) {
    sigset_t set;
    ::sigemptyset(&set);
    if (settings.terminal) ::sigaddset(&set, SIGWINCH);
    if (raw) // the terminal has to be restored before we go
        for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) ::sigaddset(&set, signal);
    if (settings.sig_proxy)
        for (int signal = 1; signal <= SIGRTMAX; ++signal)
            if (is_proxied(signal)) ::sigaddset(&set, signal);
    return set;
}

/// epoll refuses files and most devices: they are always ready instead.
bool is_pollable(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return false;
    return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || ::isatty(fd);
}

class Session {
public:
    Session(const AttachSettings& settings, const std::string& detach_sequence, Fd socket);
    AttachOutcome run(AttachSession::Greet greet);

private:
    void on_socket();
    void on_packet(const PacketView& packet);
    void show(ClientOutput& output, std::string_view bytes);
    void wait_for_output();
    void on_input();
    void schedule_input();
    void forward_input(std::string_view bytes);
    void end_input();
    void on_signal(int signal);
    void send_size();
    void end(AttachOutcome::Kind kind, int exit_code = 0, std::string reason = {});

    const AttachSettings& settings_;
    EventLoop loop_;
    PacketSocket socket_;
    bool raw_;
    SignalMask mask_;
    Fd signals_;
    DetachMatcher detach_;
    ClientOutput out_, err_;
    bool input_open_ = false;
    bool input_pollable_ = false;
    bool input_scheduled_ = false;
    std::size_t credit_ = stdin_window;
    std::optional<EventLoop::TimerId> detach_timer_;
    std::array<char, input_chunk> input_;
    AttachOutcome outcome_;
};

Session::Session(const AttachSettings& settings, const std::string& detach_sequence, Fd socket)
    : settings_(settings),
      socket_(std::move(socket)),
      raw_(settings.terminal && settings.stdin_ && ::isatty(STDIN_FILENO)),
      mask_(signals_to_take(settings, raw_)),
      signals_(::signalfd(-1, &mask_.blocked(), SFD_CLOEXEC | SFD_NONBLOCK)),
      detach_(raw_ ? detach_sequence : std::string()),
      out_(loop_, STDOUT_FILENO, [this] { wait_for_output(); }),
      err_(loop_, STDERR_FILENO, [this] { wait_for_output(); }) {
    if (!signals_) throw SysError("making a signal descriptor");
}

AttachOutcome Session::run(AttachSession::Greet greet) {
    const IgnoredSigpipe no_sigpipe;
    std::optional<RawTerminal> raw;
    if (raw_) raw.emplace(STDIN_FILENO);
    if (greet == AttachSession::Greet::yes)
        socket_.send(Packet::attach, std::string(1, static_cast<char>(settings_.flags())));
    if (settings_.terminal) {
        // A size that really changes makes full-screen programs draw themselves again.
        const auto size = window_size();
        if (size && settings_.redraw)
            socket_.send(Packet::resize, format_resize({static_cast<unsigned short>(size->rows + 1), size->columns}));
        send_size();
    }
    loop_.watch(socket_.fd(), EPOLLIN, [this](std::uint32_t) { on_socket(); });
    loop_.watch(signals_.get(), EPOLLIN, [this](std::uint32_t) {
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof info) == sizeof info) on_signal(static_cast<int>(info.ssi_signo));
    });
    if (settings_.stdin_) {
        input_open_ = true;
        input_pollable_ = is_pollable(STDIN_FILENO);
        if (input_pollable_) loop_.watch(STDIN_FILENO, EPOLLIN, [this](std::uint32_t) { on_input(); });
        schedule_input();
    }
    loop_.run();
    return std::move(outcome_);
}

void Session::end(AttachOutcome::Kind kind, int exit_code, std::string reason) {
    outcome_.kind = kind;
    outcome_.exit_code = exit_code;
    outcome_.reason = std::move(reason);
    loop_.stop();
}

void Session::on_socket() {
    // Bounded, so that signals and keys get their turn in a flood of output.
    for (int n = 0; n < 16 && !out_.is_waiting() && !err_.is_waiting(); ++n) {
        PacketView packet;
        switch (socket_.receive(packet, Wait::no)) {
        case PacketSocket::Result::none: return;
        case PacketSocket::Result::end: return end(AttachOutcome::Kind::lost);
        case PacketSocket::Result::packet: break;
        }
        on_packet(packet);
        if (packet.type == Packet::exited || packet.type == Packet::failed) return;
    }
    wait_for_output();
}

void Session::on_packet(const PacketView& packet) {
    switch (packet.type) {
    case Packet::stdout_data: return show(out_, packet.payload);
    case Packet::stderr_data: return show(err_, packet.payload);
    case Packet::exited:
        outcome_.goes_on = parse_exit(packet.payload).goes_on;
        return end(AttachOutcome::Kind::exited, parse_exit(packet.payload).code);
    case Packet::failed: return end(AttachOutcome::Kind::dropped, 0, parse_failure(packet.payload).message());
    case Packet::stdin_credit:
        credit_ += static_cast<std::size_t>(parse_unsigned(packet.payload, stdin_window).value_or(0));
        return schedule_input();
    case Packet::stdin_closed: return end_input();
    default: return;
    }
}

void Session::show(ClientOutput& output, std::string_view bytes) {
    output.write(bytes);
    if (output.is_closed()) end(AttachOutcome::Kind::output_closed);
}

/// While our output is full the monitor's packets stay where they are: that is the container's back-pressure.
void Session::wait_for_output() {
    if (out_.is_closed() || err_.is_closed()) return end(AttachOutcome::Kind::output_closed);
    const bool full = out_.is_waiting() || err_.is_waiting();
    loop_.rearm(socket_.fd(), full ? 0U : EPOLLIN);
}

void Session::schedule_input() {
    if (!input_open_) return;
    if (input_pollable_) return loop_.rearm(STDIN_FILENO, credit_ > 0 ? EPOLLIN : 0U);
    if (credit_ == 0 || input_scheduled_) return;
    input_scheduled_ = true;
    loop_.after(std::chrono::nanoseconds(0), [this] {
        input_scheduled_ = false;
        on_input();
    });
}

void Session::on_input() {
    if (!input_open_) return;
    const ssize_t n = ::read(STDIN_FILENO, input_.data(), std::min(input_.size(), credit_));
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return schedule_input();
    if (n <= 0) {
        forward_input(detach_.take_held());
        socket_.send(Packet::stdin_end);
        return end_input();
    }
    std::string forward;
    const bool detached = detach_.feed({input_.data(), static_cast<std::size_t>(n)}, forward);
    forward_input(forward);
    if (detached) return end(AttachOutcome::Kind::detached);
    if (detach_timer_) loop_.cancel(*std::exchange(detach_timer_, std::nullopt));
    if (detach_.is_holding())
        detach_timer_ = loop_.after(detach_pause, [this] {
            detach_timer_.reset();
            forward_input(detach_.take_held());
        });
    schedule_input();
}

void Session::forward_input(std::string_view bytes) {
    if (bytes.empty()) return;
    socket_.send(Packet::stdin_data, bytes);
    credit_ -= std::min(credit_, bytes.size()); // held keys may exceed it by a few bytes
}

void Session::end_input() {
    if (!input_open_) return;
    input_open_ = false;
    if (input_pollable_) loop_.unwatch(STDIN_FILENO);
}

void Session::on_signal(int signal) {
    if (signal == SIGWINCH) return send_size();
    if (settings_.sig_proxy && !(raw_ && signal == SIGHUP)) return socket_.send(Packet::signal, std::to_string(signal));
    constexpr int killed_by_signal = 128;
    end(AttachOutcome::Kind::interrupted, killed_by_signal + signal);
}

void Session::send_size() {
    if (const auto size = window_size()) socket_.send(Packet::resize, format_resize(*size));
}

} // namespace

std::uint8_t AttachSettings::flags() const {
    return static_cast<std::uint8_t>((stdin_ ? attach_stdin : 0) | (stdout_ ? attach_stdout : 0) |
                                     (stderr_ ? attach_stderr : 0));
}

AttachSession::AttachSession(AttachSettings settings)
    : settings_(std::move(settings)), detach_sequence_(parse_detach_keys(settings_.detach_keys)) {}

AttachOutcome AttachSession::run(Fd socket, Greet greet) {
    Session session(settings_, detach_sequence_, std::move(socket));
    return session.run(greet);
}

} // namespace kist::monitor
