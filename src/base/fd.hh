// SPDX-License-Identifier: Apache-2.0
// The owner of one file descriptor, and the pairs that are born together. Every descriptor is born CLOEXEC.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace kist {

/// Owns a descriptor; -1 means none. Closing never changes errno, so `throw SysError` after a scope ends is safe.
class Fd {
public:
    Fd() noexcept = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~Fd() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void reset(int fd = -1) noexcept;
    /// A second descriptor for the same open file (F_DUPFD_CLOEXEC). Throws SysError.
    Fd duplicate() const;

private:
    int fd_ = -1;
};

struct Pipe {
    Fd read;
    Fd write;
};
enum class Blocking { yes, no };
/// pipe2(O_CLOEXEC [| O_NONBLOCK]). Throws SysError.
Pipe make_pipe(Blocking = Blocking::yes);

/// Reads until `buffer` is full or end of file, retrying EINTR; the number of bytes read. `what` names the object in errors.
std::size_t read_full(const Fd& fd, std::span<char> buffer, std::string_view what);
/// Writes all of it, retrying EINTR and short writes. Throws SysError.
void write_full(const Fd& fd, std::string_view bytes, std::string_view what);

} // namespace kist
