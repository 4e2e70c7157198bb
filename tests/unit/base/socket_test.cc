// SPDX-License-Identifier: Apache-2.0
// Packets and descriptors between processes.
#include "base/socket.hh"

#include <cerrno>
#include <cstring>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"

using namespace kist;

TEST_CASE("packets keep their borders, and a closed end is the end") {
    SocketPair pair = make_socket_pair();
    send_message(pair.first, "one");
    send_message(pair.first, "three");
    CHECK(receive_message(pair.second, 10)->bytes == "one");
    CHECK(receive_message(pair.second, 10)->bytes == "three");
    pair.first.reset();
    CHECK_FALSE(receive_message(pair.second, 10));
}

TEST_CASE("descriptors travel with a packet and arrive close-on-exec") {
    const SocketPair pair = make_socket_pair();
    Pipe pipe = make_pipe();
    send_message(pair.first, "fd", {pipe.write.get(), pipe.write.get()});
    pipe.write.reset();
    auto message = receive_message(pair.second, 10);
    REQUIRE(message);
    REQUIRE(message->fds.size() == 2);
    CHECK((::fcntl(message->fds[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
    write_full(message->fds[1], "hello", "pipe");
    message.reset();
    char text[6] = {};
    CHECK(read_full(pipe.read, {text, 5}, "pipe") == 5);
    CHECK(std::string(text) == "hello");
}

TEST_CASE("what is too long, too many or empty is refused and leaks nothing") {
    const SocketPair pair = make_socket_pair();
    const Pipe pipe = make_pipe();
    send_message(pair.first, "much too long", {pipe.read.get()});
    CHECK_THROWS_AS(receive_message(pair.second, 4), Error);
    const Fd next = pipe.read.duplicate();
    CHECK(next.get() < 20); // the descriptor of the refused packet was closed
    CHECK_THROWS_AS(send_message(pair.first, ""), Error);
    CHECK_THROWS_AS(send_message(pair.first, "x", std::vector<int>(17, 0)), Error);
    send_message(pair.first, "x", std::vector<int>(16, pipe.read.get()));
    CHECK(receive_message(pair.second, 1)->fds.size() == 16);
}

TEST_CASE("a non-blocking socket without a packet says so") {
    const SocketPair pair = make_socket_pair();
    ::fcntl(pair.second.get(), F_SETFL, O_NONBLOCK);
    try {
        receive_message(pair.second, 10);
        FAIL("received");
    } catch (const SysError& error) {
        CHECK(error.code == EAGAIN);
    }
}

TEST_CASE("a socket is found by folder and name, however long the folder's path is") {
    const TempDir temp;
    const Dir dir = Dir::create(temp.path() + "/" + std::string(200, 'l'));
    CHECK_FALSE(connect_unix(dir, "attach"));
    std::optional<Fd> listener = listen_unix(dir, "attach");
    struct stat st;
    REQUIRE(::fstatat(dir.fd().get(), "attach", &st, 0) == 0);
    CHECK((st.st_mode & 0777) == 0600);
    const auto client = connect_unix(dir, "attach");
    REQUIRE(client);
    const Fd served{::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC)};
    REQUIRE(served);
    send_message(*client, "hi");
    CHECK(receive_message(served, 10)->bytes == "hi");
    CHECK(dir.names() == std::vector<std::string>{"attach"});

    listener.reset();
    CHECK_FALSE(connect_unix(dir, "attach")); // the file is still there, its owner is not
    const Fd again = listen_unix(dir, "attach");
    CHECK(connect_unix(dir, "attach"));
    CHECK_THROWS_AS(listen_unix(dir, "a/b"), Error);
    CHECK_THROWS_AS(connect_unix(dir, std::string(100, 'x')), Error);
}
