// SPDX-License-Identifier: Apache-2.0
// One epoll loop with timers and signals: what the monitor and every foreground command sit in. Idle means no wake-ups.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "base/fd.hh"
#include "base/signals.hh"

namespace kist {

class EventLoop {
public:
    using FdHandler = std::function<void(std::uint32_t events)>;
    using Handler = std::function<void()>;
    using SignalHandler = std::function<void(const signalfd_siginfo&)>;

    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Level-triggered. The caller keeps the descriptor open until unwatch(). Handlers may watch and unwatch anything,
    /// themselves included; an event already fetched for an unwatched descriptor is dropped.
    void watch(int fd, std::uint32_t events, FdHandler);
    /// Changes the interest set; 0 keeps the handler but asks for nothing, hang-up included (back-pressure).
    void rearm(int fd, std::uint32_t events);
    void unwatch(int fd);

    using TimerId = std::uint64_t;
    /// One shot, on CLOCK_MONOTONIC: a change of the wall clock moves nothing. Never early, at most a millisecond late.
    /// Timers are the time-out of the wait itself, so they cost no descriptor and no system call.
    TimerId after(std::chrono::nanoseconds delay, Handler);
    void cancel(TimerId);

    /// Blocks `signals` for the process and delivers them here, one call per signal.
    void on_signals(std::initializer_list<int> signals, SignalHandler);

    /// Runs until stop(). Exceptions of handlers pass through.
    void run();
    void stop() { running_ = false; }
    /// One round: waits at most `limit` (negative: for ever) and calls what is due.
    void run_once(std::chrono::milliseconds limit);

private:
    struct Watch;
    struct Timer;
    struct SignalSource;
    int wait_time(std::chrono::milliseconds limit) const;
    void fire_timers();

    Fd epoll_;
    std::map<int, std::shared_ptr<Watch>> watches_;
    std::multimap<std::int64_t, Timer> timers_; ///< by due time in ns of CLOCK_MONOTONIC
    std::vector<std::unique_ptr<SignalSource>> signals_;
    TimerId next_timer_ = 1;
    std::uint32_t next_generation_ = 0;
    bool running_ = false;
};

} // namespace kist
