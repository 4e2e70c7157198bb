// SPDX-License-Identifier: Apache-2.0
#include "base/interrupt.hh"

#include <csignal>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist {

namespace {

sigset_t ending_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction now {};
        if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) ::sigaddset(&set, number);
    }
    return set;
}

/// Its handler is the default one, which ends all threads.
[[noreturn]] void end_by(int number) {
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, number);
    ::kill(::getpid(), number);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    ::_exit(128 + number);
}

} // namespace

CleanOnInterrupt::CleanOnInterrupt(std::function<void()> clean)
    : clean_(std::move(clean)),
      mask_(ending_signals()),
      signals_(::signalfd(-1, &mask_.blocked(), SFD_CLOEXEC)),
      over_(make_pipe()) {
    if (!signals_) throw SysError("waiting for signals");
    thread_ = std::thread([this] { run(); });
}

CleanOnInterrupt::~CleanOnInterrupt() {
    over_.write.reset();
    thread_.join();
}

void CleanOnInterrupt::run() {
    pollfd wait[] = {{signals_.get(), POLLIN, 0}, {over_.read.get(), POLLIN, 0}};
    while (::poll(wait, 2, -1) < 0 && errno == EINTR) continue;
    if ((wait[0].revents & POLLIN) == 0) return;
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
    clean_();
    end_by(static_cast<int>(info.ssi_signo));
}

} // namespace kist
