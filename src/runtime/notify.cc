// SPDX-License-Identifier: Apache-2.0
#include "runtime/notify.hh"

#include <algorithm>

#include <poll.h>
#include <sys/socket.h>

#include "base/error.hh"
#include "base/text.hh"
#include "oci/run/notify_socket.hh"

namespace kist::runtime {

namespace {

bool says_ready(std::string_view text) {
    const auto lines = split(text, '\n');
    return std::find(lines.begin(), lines.end(), "READY=1") != lines.end();
}

} // namespace

void add_notify_folder(const Dir& container, oci::Spec& spec) {
    oci::show_notify_socket(spec, container.create_dir(oci::notify_folder, 0755).path());
}

std::optional<NotifyRelay> NotifyRelay::open(const Dir& container, const std::string& manager) {
    const auto folder = container.open_dir_if_exists(oci::notify_folder);
    if (!folder) return std::nullopt;
    return NotifyRelay(oci::listen_notify(*folder), manager);
}

void NotifyRelay::wait(const Fd& process, int pid) const {
    for (;;) {
        pollfd both[] = {{socket_.get(), POLLIN, 0}, {process.get(), POLLIN, 0}};
        if (::poll(both, 2, -1) < 0 && errno != EINTR) throw SysError("waiting for the container to be ready");
        if ((both[0].revents & POLLIN) != 0) {
            char text[4096];
            const ssize_t got = ::recv(socket_.get(), text, sizeof text, 0);
            if (got > 0 && says_ready({text, static_cast<std::size_t>(got)}))
                return oci::tell_manager(manager_, fmt::format("READY=1\nMAINPID={}\n", pid));
        } else if (both[1].revents != 0) {
            return;
        }
    }
}

} // namespace kist::runtime
