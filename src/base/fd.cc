// SPDX-License-Identifier: Apache-2.0
// Closing, duplicating, and reads and writes that are not cut short by a signal.
#include "base/fd.hh"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist {

void Fd::reset(int fd) noexcept {
    if (fd_ >= 0) {
        const int saved = errno;
        ::close(fd_); // never retried: on Linux the number is free again even after EINTR
        errno = saved;
    }
    fd_ = fd;
}

Fd Fd::duplicate() const {
    Fd copy{::fcntl(fd_, F_DUPFD_CLOEXEC, 0)};
    if (!copy) throw SysError("duplicating descriptor {}", fd_);
    return copy;
}

Pipe make_pipe(Blocking blocking) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | (blocking == Blocking::no ? O_NONBLOCK : 0)) != 0) throw SysError("making a pipe");
    return {Fd{ends[0]}, Fd{ends[1]}};
}

std::size_t read_full(const Fd& fd, std::span<char> buffer, std::string_view what) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const ssize_t n = ::read(fd.get(), buffer.data() + done, buffer.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw SysError("reading '{}'", what);
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    return done;
}

void write_full(const Fd& fd, std::string_view bytes, std::string_view what) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw SysError("writing '{}'", what);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

} // namespace kist
