// SPDX-License-Identifier: Apache-2.0
// The loop itself. Events carry (descriptor, generation), so one that was fetched for a descriptor which a handler has
// since unwatched, closed and perhaps opened again as something else is recognised and dropped.
#include "base/event_loop.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ctime>

#include <unistd.h>

#include "base/error.hh"

namespace kist {

struct EventLoop::Watch {
    std::uint32_t generation;
    std::uint32_t events;
    FdHandler handler;
};

struct EventLoop::Timer {
    TimerId id;
    Handler handler;
};

struct EventLoop::SignalSource {
    explicit SignalSource(std::initializer_list<int> signals) : mask(signals) {}
    SignalMask mask;
    Fd fd;
};

namespace {
constexpr std::int64_t ns_per_ms = 1'000'000;

std::int64_t monotonic_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void control(const Fd& epoll, int operation, int fd, std::uint32_t events, std::uint32_t generation) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
    if (::epoll_ctl(epoll.get(), operation, fd, &event) != 0) throw SysError("watching descriptor {}", fd);
}
} // namespace

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) throw SysError("making an event loop");
}

EventLoop::~EventLoop() {
    while (!signals_.empty()) signals_.pop_back(); // masks are undone in the reverse order
}

void EventLoop::watch(int fd, std::uint32_t events, FdHandler handler) {
    if (watches_.contains(fd)) unwatch(fd);
    const std::uint32_t generation = ++next_generation_;
    if (events != 0) control(epoll_, EPOLL_CTL_ADD, fd, events, generation);
    watches_[fd] = std::make_shared<Watch>(Watch{generation, events, std::move(handler)});
}

void EventLoop::rearm(int fd, std::uint32_t events) {
    Watch& watch = *watches_.at(fd);
    if (watch.events == events) return;
    // An interest set of 0 would still report EPOLLHUP for ever: nothing asked means not registered at all.
    const int operation = events == 0 ? EPOLL_CTL_DEL : watch.events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    control(epoll_, operation, fd, events, watch.generation);
    watch.events = events;
}

void EventLoop::unwatch(int fd) {
    const auto found = watches_.find(fd);
    if (found == watches_.end()) return;
    const bool registered = found->second->events != 0;
    watches_.erase(found);
    if (registered) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::after(std::chrono::nanoseconds delay, Handler handler) {
    const std::int64_t now = monotonic_now();
    const std::int64_t wait = std::clamp<std::int64_t>(delay.count(), 0, INT64_MAX - now);
    const TimerId id = next_timer_++;
    timers_.emplace(now + wait, Timer{id, std::move(handler)});
    return id;
}

void EventLoop::cancel(TimerId id) {
    const auto found = std::ranges::find_if(timers_, [id](const auto& entry) { return entry.second.id == id; });
    if (found != timers_.end()) timers_.erase(found);
}

void EventLoop::on_signals(std::initializer_list<int> signals, SignalHandler handler) {
    auto source = std::make_unique<SignalSource>(signals);
    source->fd.reset(::signalfd(-1, &source->mask.blocked(), SFD_CLOEXEC | SFD_NONBLOCK));
    if (!source->fd) throw SysError("making a signal descriptor");
    const int fd = source->fd.get();
    signals_.push_back(std::move(source));
    watch(fd, EPOLLIN, [fd, handler = std::move(handler)](std::uint32_t) {
        signalfd_siginfo info{};
        while (::read(fd, &info, sizeof info) == sizeof info) handler(info);
    });
}

void EventLoop::run() {
    running_ = true;
    while (running_) run_once(std::chrono::milliseconds(-1));
}

/// What epoll_wait takes: whole milliseconds, rounded up so that a timer is never early; -1 for ever.
int EventLoop::wait_time(std::chrono::milliseconds limit) const {
    std::int64_t wait = limit.count() < 0 ? INT64_MAX : limit.count();
    if (!timers_.empty()) {
        const std::int64_t left = timers_.begin()->first - monotonic_now();
        wait = std::min(wait, left <= 0 ? 0 : (left - 1) / ns_per_ms + 1);
    }
    if (wait == INT64_MAX) return -1;
    return static_cast<int>(std::min<std::int64_t>(wait, INT_MAX));
}

void EventLoop::run_once(std::chrono::milliseconds limit) {
    std::array<epoll_event, 32> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_time(limit));
    if (count < 0 && errno != EINTR) throw SysError("waiting for events");
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const auto found = watches_.find(static_cast<int>(event.data.u64 & UINT32_MAX));
        if (found == watches_.end() || found->second->generation != event.data.u64 >> 32 || found->second->events == 0)
            continue;
        const std::shared_ptr<Watch> watch = found->second; // the handler may unwatch itself
        watch->handler(event.events);
    }
    fire_timers();
}

void EventLoop::fire_timers() {
    if (timers_.empty()) return;
    const std::int64_t now = monotonic_now();
    const TimerId newest = next_timer_; // what handlers add waits for the next round
    for (auto it = timers_.begin(); it != timers_.end() && it->first <= now;) {
        if (it->second.id >= newest) {
            ++it;
            continue;
        }
        const Handler handler = std::move(it->second.handler);
        timers_.erase(it);
        handler();
        it = timers_.begin(); // handlers may have cancelled any of them
    }
}

} // namespace kist
