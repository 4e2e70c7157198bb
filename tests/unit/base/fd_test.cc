// SPDX-License-Identifier: Apache-2.0
// Who closes a descriptor, and when.
#include "base/fd.hh"

#include <array>
#include <cerrno>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"

using namespace kist;

namespace {
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
} // namespace

TEST_CASE("a descriptor is closed with its owner and only then") {
    int number = -1;
    {
        Pipe pipe = make_pipe();
        number = pipe.read.get();
        const Fd moved = std::move(pipe.read);
        CHECK_FALSE(pipe.read);
        CHECK(moved.get() == number);
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
}

TEST_CASE("closing leaves errno as it was") {
    Fd fd(1000000); // not open: close fails with EBADF
    errno = EPERM;
    fd.reset();
    CHECK(errno == EPERM);
}

TEST_CASE("descriptors are born close-on-exec, duplicates too") {
    const Pipe pipe = make_pipe(Blocking::no);
    const Fd copy = pipe.read.duplicate();
    for (const Fd* fd : {&pipe.read, &pipe.write, &copy}) CHECK((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(pipe.read.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK_THROWS_AS(Fd().duplicate(), SysError);
}

TEST_CASE("release gives the descriptor away") {
    Pipe pipe = make_pipe();
    const int number = pipe.read.release();
    pipe.read.reset();
    CHECK(is_open(number));
    ::close(number);
}

TEST_CASE("reading stops at the end of the file or of the buffer") {
    Pipe pipe = make_pipe();
    write_full(pipe.write, "hello world", "pipe");
    pipe.write.reset();
    std::array<char, 5> five{};
    CHECK(read_full(pipe.read, five, "pipe") == 5);
    CHECK(std::string(five.data(), 5) == "hello");
    std::array<char, 100> rest{};
    CHECK(read_full(pipe.read, rest, "pipe") == 6);
    CHECK(read_full(pipe.read, rest, "pipe") == 0);
    CHECK_THROWS_AS(write_full(pipe.read, "x", "pipe"), SysError);
}
