// SPDX-License-Identifier: Apache-2.0
#include "monitor/service_notify.hh"

#include <algorithm>
#include <array>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.hh"
#include "base/text.hh"
#include "oci/run/notify_socket.hh"

namespace kist::monitor {

namespace {

using Mode = storage::NotifyMode;

constexpr std::size_t longest_datagram = 4096;

bool may_be_told(std::string_view line) {
    constexpr auto known = std::to_array<std::string_view>({"READY=", "RELOADING=", "STOPPING=", "STATUS=", "ERRNO=",
                                                            "WATCHDOG=", "MONOTONIC_USEC=", "EXTEND_TIMEOUT_USEC="});
    return std::any_of(known.begin(), known.end(), [&](std::string_view key) { return line.starts_with(key); });
}

} // namespace

std::string notify_lines(std::string_view datagram) {
    std::string told;
    for (const std::string& line : split(datagram, '\n'))
        if (may_be_told(line)) told += line + "\n";
    return told;
}

ServiceNotify::ServiceNotify(EventLoop& loop, const Dir& run, const storage::NotifyConfig& config)
    : loop_(loop), config_(config) {
    if (config_.mode != Mode::container) return;
    socket_ = oci::listen_notify(run.create_dir(oci::notify_folder, 0755));
    loop_.watch(socket_.get(), EPOLLIN, [this](std::uint32_t) { relay(); });
}

ServiceNotify::~ServiceNotify() {
    if (socket_) loop_.unwatch(socket_.get());
}

void ServiceNotify::relay() const {
    char text[longest_datagram];
    for (;;) {
        const ssize_t got = ::recv(socket_.get(), text, sizeof text, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return;
        const std::string told = notify_lines({text, static_cast<std::size_t>(got)});
        if (!told.empty()) tell(told);
    }
}

void ServiceNotify::started() const noexcept {
    tell(fmt::format("MAINPID={}\n{}", ::getpid(), config_.mode == Mode::conmon ? "READY=1\n" : ""));
}

void ServiceNotify::healthy() const noexcept {
    if (config_.mode == Mode::healthy) tell("READY=1\n");
}

void ServiceNotify::stopping() const noexcept {
    if (config_.mode != Mode::container) tell("STOPPING=1\n");
}

void ServiceNotify::tell(std::string_view text) const noexcept {
    try {
        oci::tell_manager(config_.socket, text);
    } catch (const std::exception& error) {
        log::debug("{}", error.what());
    }
}

} // namespace kist::monitor
