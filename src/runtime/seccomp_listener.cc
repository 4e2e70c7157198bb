// SPDX-License-Identifier: Apache-2.0
#include "runtime/seccomp_listener.hh"

#include <chrono>
#include <thread>

#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/socket.hh"
#include "runtime/console.hh"

namespace kist::runtime {

namespace {

bool is_listener(const Fd& fd) {
    char text[64] = "";
    const std::string path = fmt::format("/proc/self/fd/{}", fd.get());
    const ssize_t length = ::readlink(path.c_str(), text, sizeof text - 1);
    return length > 0 && std::string_view(text, static_cast<std::size_t>(length)) == "anon_inode:seccomp notify";
}

/// The process has said the number before the filter was there: from then on it may be unable to say anything.
Fd take_listener(const Fd& process, int number) {
    using Clock = std::chrono::steady_clock;
    for (const auto end = Clock::now() + std::chrono::seconds(10); Clock::now() < end;) {
        Fd fd{static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0))};
        if (fd && is_listener(fd)) return fd;
        if (!fd && errno != EBADF) throw SysError("taking the seccomp listener");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    throw Error("taking the seccomp listener: the process has none");
}

} // namespace

std::function<void(int number)> listener_handler(const Container& container, const Fd& process, int pid) {
    const auto& seccomp = container.record().spec.linux_.seccomp;
    if (!seccomp || seccomp->listener_path.empty()) return {};
    return [&container, &process, &seccomp, pid](int number) {
        Value state = Value::object();
        state.set("ociVersion", container.record().spec.oci_version);
        Value names = Value::list();
        names.push("seccompFd");
        state.set("fds", names);
        state.set("pid", pid);
        if (!seccomp->listener_metadata.empty()) state.set("metadata", seccomp->listener_metadata);
        state.set("state", container.state());
        const Fd listener = take_listener(process, number);
        const Fd agent = connect_stream(seccomp->listener_path, "seccomp listener");
        send_message(agent, json::dump(state), {listener.get()});
    };
}

} // namespace kist::runtime
