// SPDX-License-Identifier: Apache-2.0
// The attached command against a fake monitor on the other end of a socket pair.
#include "monitor/client.hh"

#include <thread>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/socket.hh"
#include "monitor/control.hh"
#include "monitor/packet_socket.hh"

using namespace kist;
using namespace kist::monitor;

namespace {

/// Puts a descriptor in the place of a standard one while the session runs.
class Redirect {
public:
    Redirect(const Fd& fd, int target) : saved_(::fcntl(target, F_DUPFD_CLOEXEC, 100)), target_(target) {
        ::dup2(fd.get(), target);
    }
    ~Redirect() { ::dup2(saved_.get(), target_); }

private:
    Fd saved_;
    int target_;
};

AttachSettings quiet() {
    AttachSettings settings;
    settings.sig_proxy = false;
    return settings;
}

} // namespace

TEST_CASE("output goes to its own descriptors and the exit code comes back") {
    SocketPair pair = make_socket_pair();
    PacketSocket monitor(std::move(pair.second));
    monitor.send(Packet::stdout_data, "out");
    monitor.send(Packet::stderr_data, "err");
    monitor.send(Packet::exited, "42");
    Pipe out = make_pipe(), err = make_pipe();
    AttachOutcome outcome;
    {
        const Redirect first(out.write, 1), second(err.write, 2);
        outcome = AttachSession(quiet()).run(std::move(pair.first), AttachSession::Greet::yes);
    }
    out.write.reset();
    err.write.reset();
    CHECK(outcome.kind == AttachOutcome::Kind::exited);
    CHECK(outcome.exit_code == 42);
    CHECK(read_all(out.read, 100, "pipe") == "out");
    CHECK(read_all(err.read, 100, "pipe") == "err");
    PacketView greeting;
    REQUIRE(monitor.receive(greeting) == PacketSocket::Result::packet);
    CHECK(greeting.type == Packet::attach);
    CHECK(greeting.payload == std::string(1, attach_stdout | attach_stderr));
}

TEST_CASE("input is sent within its window and ends with stdin_end") {
    SocketPair pair = make_socket_pair();
    const TempDir dir;
    {
        write_full(Fd{::open((dir.path() + "/in").c_str(), O_WRONLY | O_CREAT, 0600)},
                   std::string(stdin_window + 5000, 'i'), "input");
    }
    const Fd input{::open((dir.path() + "/in").c_str(), O_RDONLY)};
    AttachSettings settings = quiet();
    settings.stdin_ = true;
    std::size_t before_credit = 0, all = 0;
    bool ended = false;
    std::thread fake([&, socket = std::move(pair.second)]() mutable {
        PacketSocket monitor(std::move(socket));
        PacketView packet;
        while (all < stdin_window && monitor.receive(packet) == PacketSocket::Result::packet)
            if (packet.type == Packet::stdin_data) all += packet.payload.size();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        before_credit = all;
        if (monitor.receive(packet, Wait::no) == PacketSocket::Result::packet) before_credit += packet.payload.size();
        monitor.send(Packet::stdin_credit, std::to_string(all));
        while (!ended && monitor.receive(packet) == PacketSocket::Result::packet) {
            if (packet.type == Packet::stdin_data) all += packet.payload.size();
            ended = packet.type == Packet::stdin_end;
        }
        monitor.send(Packet::exited, "0");
    });
    {
        const Redirect in(input, 0);
        CHECK(AttachSession(settings).run(std::move(pair.first), AttachSession::Greet::no).exit_code == 0);
    }
    fake.join();
    CHECK(before_credit == stdin_window);
    CHECK(all == stdin_window + 5000);
    CHECK(ended);
}

TEST_CASE("a monitor that dies is told from one that ends, and from one that gives us up") {
    for (const bool with_reason : {false, true}) {
        SocketPair pair = make_socket_pair();
        {
            PacketSocket monitor(std::move(pair.second));
            if (with_reason) monitor.send(Packet::failed, format_failure(Error("too slow")));
        }
        const auto outcome = AttachSession(quiet()).run(std::move(pair.first), AttachSession::Greet::no);
        CHECK(outcome.kind == (with_reason ? AttachOutcome::Kind::dropped : AttachOutcome::Kind::lost));
        CHECK(outcome.reason == (with_reason ? "too slow" : ""));
    }
}

TEST_CASE("a closed reader of our output ends the session, not the process") {
    SocketPair pair = make_socket_pair();
    PacketSocket monitor(std::move(pair.second));
    monitor.send(Packet::stdout_data, "out");
    Pipe out = make_pipe();
    out.read.reset();
    const Redirect first(out.write, 1);
    CHECK(AttachSession(quiet()).run(std::move(pair.first), AttachSession::Greet::no).kind ==
          AttachOutcome::Kind::output_closed);
}

TEST_CASE("a full pipe behind us holds up the monitor's packets and loses nothing") {
    SocketPair pair = make_socket_pair();
    constexpr std::size_t packets = 60, size = 30'000;
    std::thread fake([socket = std::move(pair.second)]() mutable {
        PacketSocket monitor(std::move(socket));
        for (std::size_t n = 0; n < packets; ++n)
            monitor.send(Packet::stdout_data, std::string(size, static_cast<char>('a' + n % 26)));
        monitor.send(Packet::exited, "0");
    });
    Pipe out = make_pipe();
    std::string seen;
    std::thread reader([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        seen = read_all(out.read, 1 << 24, "pipe");
    });
    {
        const Redirect first(out.write, 1);
        CHECK(AttachSession(quiet()).run(std::move(pair.first), AttachSession::Greet::no).kind ==
              AttachOutcome::Kind::exited);
    }
    out.write.reset();
    reader.join();
    fake.join();
    CHECK(seen.size() == packets * size);
}

TEST_CASE("wrong detach keys are refused before anything is connected") {
    AttachSettings settings = quiet();
    settings.detach_keys = "ctrl-1";
    CHECK_THROWS_AS(AttachSession(settings), UsageError);
}

TEST_CASE("a request ends with done, the exit, the reason, or the loss of the monitor") {
    SocketPair pair = make_socket_pair();
    auto monitor = std::make_unique<PacketSocket>(std::move(pair.second));
    ControlClient client(std::move(pair.first));
    monitor->send(Packet::done);
    CHECK_NOTHROW(client.pause());
    monitor->send(Packet::failed, format_failure(Error("already paused")));
    CHECK_THROWS_AS(client.pause(), Error);
    monitor->send(Packet::exited, "143");
    CHECK(client.stop({}) == 143);
    CHECK_FALSE(client.ping(std::chrono::milliseconds(10)));
    monitor.reset();
    CHECK_THROWS_AS(client.wait_exit(), MonitorLost);
}
