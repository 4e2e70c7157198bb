// SPDX-License-Identifier: Apache-2.0
#include "monitor/client_output.hh"

#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::monitor {

ClientOutput::ClientOutput(EventLoop& loop, int fd, std::function<void()> on_drained)
    : loop_(loop), fd_(fd), on_drained_(std::move(on_drained)) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) {
        closed_ = true; // started with a closed descriptor
        return;
    }
    is_socket_ = S_ISSOCK(status.st_mode);
    if (!S_ISFIFO(status.st_mode) && !::isatty(fd)) return; // files are always ready
    // O_NONBLOCK belongs to the open file, which the shell and other programs share; one of our own has its own flag.
    own_.reset(::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (own_) fd_ = own_.get();
}

ClientOutput::~ClientOutput() {
    if (is_waiting()) loop_.unwatch(fd_);
}

std::size_t ClientOutput::write_some(std::string_view bytes) {
    const ssize_t n = is_socket_ ? ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                 : ::write(fd_, bytes.data(), bytes.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EAGAIN && errno != EINTR) closed_ = true;
    return 0;
}

void ClientOutput::write(std::string_view bytes) {
    if (closed_) return;
    if (is_waiting()) {
        pending_ += bytes;
        return;
    }
    while (!bytes.empty() && !closed_) {
        const std::size_t n = write_some(bytes);
        if (n == 0) break;
        bytes.remove_prefix(n);
    }
    if (bytes.empty() || closed_) return;
    pending_ = bytes;
    loop_.watch(fd_, EPOLLOUT, [this](std::uint32_t) { on_writable(); });
}

void ClientOutput::on_writable() {
    const std::size_t n = write_some(pending_);
    pending_.erase(0, n);
    if (closed_) pending_.clear();
    if (is_waiting()) return;
    loop_.unwatch(fd_);
    on_drained_();
}

} // namespace kist::monitor
