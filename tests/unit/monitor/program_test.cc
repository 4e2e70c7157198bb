// SPDX-License-Identifier: Apache-2.0
// The real kist-monitor with real containers: needs root and /bin/busybox.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include <sys/wait.h>

#include "base/error.hh"
#include "base/text.hh"
#include "monitored.hh"
#include "oci/run/cgroup.hh"

using namespace kist;
using namespace kist::monitor;
using namespace kist::monitor::test;
using storage::Status;

namespace {

constexpr std::uint8_t all_streams = attach_stdin | attach_stdout | attach_stderr;

bool can_run() {
    const std::string reason = why_not();
    if (!reason.empty()) WARN("skipped: " << reason);
    return reason.empty();
}

bool process_exists(pid_t pid) { return ::kill(pid, 0) == 0; }

} // namespace

TEST_CASE("a container's output is logged and its exit code recorded") {
    if (!can_run()) return;
    Monitored box("echo hello; echo bad >&2; exit 7");
    SpawnedMonitor monitor = box.start(all_streams);
    PacketSocket socket(monitor.take_socket());
    const auto output = Monitored::read_until_exit(socket);
    monitor.wait_ended();
    CHECK(output.out == "hello\n");
    CHECK(output.err == "bad\n");
    CHECK(output.code == 7);
    CHECK(box.state().status == Status::exited);
    CHECK(box.state().exit_code == 7);
    CHECK(box.state().pid == 0);
    const std::string log = box.log();
    CHECK(log.size() == 10);
    CHECK(log.find("hello\n") != std::string::npos);
    CHECK(log.find("bad\n") != std::string::npos);
    CHECK_FALSE(box.run().exists("control.sock"));
    CHECK_FALSE(box.run().exists("stdout"));
}

TEST_CASE("a container can be started again after its end") {
    if (!can_run()) return;
    Monitored box("echo once; exit 3");
    for (int n = 0; n < 2; ++n) {
        SpawnedMonitor monitor = box.start(attach_stdout);
        PacketSocket socket(monitor.take_socket());
        CHECK(Monitored::read_until_exit(socket).code == 3);
        monitor.wait_ended();
    }
    CHECK(box.log() == "once\nonce\n");
}

TEST_CASE("a command that does not exist fails the start with 127 and leaves nothing") {
    if (!can_run()) return;
    Monitored box("");
    box.job.spec.process->args = {"no-such-command"};
    SpawnedMonitor monitor = box.spawn();
    try {
        monitor.wait_started();
        FAIL("started");
    } catch (const Error& error) {
        CHECK(error.exit_code() == ExitCode::not_found);
        CHECK(error.message().find("no-such-command") != std::string::npos);
    }
    CHECK(box.state().status == Status::created);
    CHECK(box.state().exit_code == 127);
    CHECK(oci::Cgroup::open(oci::CgroupHost::detect(), box.job.cgroup_path).pids().empty());
    CHECK_FALSE(FileLock::is_held(box.run(), "monitor.lock"));
}

TEST_CASE("standard input reaches the container, in full and with its end") {
    if (!can_run()) return;
    Monitored box("cat");
    box.job.stdin_open = box.job.stdin_once = true;
    SpawnedMonitor monitor = box.start(all_streams);
    PacketSocket socket(monitor.take_socket());
    // More than the window only when credit has come back; here within it.
    const std::string chunk(50'000, 'x');
    for (int n = 0; n < 5; ++n) socket.send(Packet::stdin_data, chunk);
    socket.send(Packet::stdin_end);
    const auto output = Monitored::read_until_exit(socket);
    CHECK(output.out.size() == 250'000);
    CHECK(output.code == 0);
    monitor.wait_ended();
}

TEST_CASE("a container that does not read its input still gets signals") {
    if (!can_run()) return;
    Monitored box("trap 'exit 9' USR1; while :; do sleep 0.05; done");
    box.job.stdin_open = box.job.stdin_once = true;
    SpawnedMonitor monitor = box.start(all_streams);
    PacketSocket socket(monitor.take_socket());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    for (int n = 0; n < 5; ++n) socket.send(Packet::stdin_data, std::string(50'000, 'x'));
    socket.send(Packet::signal, "10");
    CHECK(Monitored::read_until_exit(socket).code == 9);
    monitor.wait_ended();
}

TEST_CASE("without -i standard input is at its end") {
    if (!can_run()) return;
    Monitored box("cat; echo done");
    SpawnedMonitor monitor = box.start(attach_stdout);
    PacketSocket socket(monitor.take_socket());
    CHECK(Monitored::read_until_exit(socket).out == "done\n");
    monitor.wait_ended();
}

TEST_CASE("stop sends the stop signal and answers when the exit is on record") {
    if (!can_run()) return;
    Monitored box("trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done");
    SpawnedMonitor monitor = box.start();
    REQUIRE(eventually([&] { return box.log() == "up\n"; }));
    CHECK(box.control().stop({.timeout = 10}) == 5);
    CHECK(box.state().status == Status::exited);
    CHECK(box.state().exit_code == 5);
    CHECK_FALSE(FileLock::is_held(box.run(), "monitor.lock"));
    monitor.wait_ended();
}

TEST_CASE("a container that ignores the stop signal is killed when the time is up") {
    if (!can_run()) return;
    Monitored box("trap '' TERM; while :; do sleep 0.05; done");
    SpawnedMonitor monitor = box.start();
    const auto begin = std::chrono::steady_clock::now();
    CHECK(box.control().stop({.timeout = 1}) == 137);
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(took >= std::chrono::seconds(1));
    CHECK(took < std::chrono::seconds(3));
    monitor.wait_ended();
}

TEST_CASE("a paused container can be stopped") {
    if (!can_run()) return;
    Monitored box("trap 'exit 4' TERM; echo up; while :; do sleep 0.05; done");
    SpawnedMonitor monitor = box.start();
    REQUIRE(eventually([&] { return box.log() == "up\n"; }));
    ControlClient control = box.control();
    control.pause();
    CHECK(box.state().status == Status::paused);
    CHECK_THROWS_AS(control.pause(), Error);
    control.unpause();
    CHECK(box.state().status == Status::running);
    control.pause();
    CHECK(control.stop({.timeout = 10}) == 4);
    monitor.wait_ended();
}

TEST_CASE("every waiting client is told the exit code") {
    if (!can_run()) return;
    Monitored box("sleep 0.3; exit 6");
    SpawnedMonitor monitor = box.start();
    std::vector<ControlClient> clients;
    for (int n = 0; n < 20; ++n) clients.push_back(box.control());
    for (ControlClient& client : clients) CHECK(client.wait_exit() == 6);
    monitor.wait_ended();
}

TEST_CASE("an auto_remove container leaves no record") {
    if (!can_run()) return;
    Monitored box("exit 2");
    box.job.auto_remove = true;
    SpawnedMonitor monitor = box.start(attach_stdout);
    PacketSocket socket(monitor.take_socket());
    CHECK(Monitored::read_until_exit(socket).code == 2);
    CHECK_FALSE(Dir::open(box.folder() + "/data/containers").exists(box.id().str()));
    CHECK_FALSE(Dir::open(box.folder() + "/run/containers").exists(box.id().str()));
    monitor.wait_ended();
}

TEST_CASE("a client that does not read neither loses output nor blocks the container for ever") {
    if (!can_run()) return;
    Monitored box("dd if=/dev/zero bs=65536 count=64 2>/dev/null; echo end >&2");
    box.job.log.driver = "none";
    SpawnedMonitor monitor = box.start(all_streams);
    std::this_thread::sleep_for(std::chrono::milliseconds(300)); // everything is full now
    CHECK(box.control().ping(std::chrono::seconds(2)));
    PacketSocket socket(monitor.take_socket());
    const auto output = Monitored::read_until_exit(socket);
    CHECK(output.out.size() == 64 * 65536);
    CHECK(output.err == "end\n");
    monitor.wait_ended();
}

TEST_CASE("a terminal has its size before the program starts and obeys keys") {
    if (!can_run()) return;
    Monitored box("stty size; read line; echo got:$line");
    box.job.spec.process->terminal = true;
    box.job.stdin_open = box.job.stdin_once = true;
    write_atomically(box.run(), std::string(job_file), dump_job(box.job), Durability::volatile_);
    SpawnOptions options;
    options.program = KIST_MONITOR;
    options.container_id = box.id().str();
    options.attach = all_streams;
    options.size = WindowSize{33, 77};
    SpawnedMonitor monitor = spawn_monitor(box.run(), options);
    REQUIRE(monitor.wait_started());
    PacketSocket socket(monitor.take_socket());
    socket.send(Packet::stdin_data, "abc\r");
    const auto output = Monitored::read_until_exit(socket);
    CHECK(output.out.find("33 77\r\n") != std::string::npos);
    CHECK(output.out.find("got:abc\r\n") != std::string::npos);
    CHECK(output.code == 0);
    monitor.wait_ended();
}

TEST_CASE("a container outlives its monitor, and the one that adopts it sees output and exit") {
    if (!can_run()) return;
    Monitored box("i=0; while [ $i -lt 12 ]; do echo line $i; i=$((i+1)); sleep 0.1; done; exit 11");
    SpawnedMonitor first = box.start();
    REQUIRE(eventually([&] { return box.log().find("line 1\n") != std::string::npos; }));
    ::kill(first.child().pid(), SIGKILL);
    first.wait_ended();
    const pid_t init = box.state().pid;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    CHECK(process_exists(init));
    SpawnedMonitor second = box.spawn(0, true);
    REQUIRE(second.wait_started() == init);
    CHECK(box.control().wait_exit() == 11);
    second.wait_ended();
    CHECK(box.state().exit_code == 11);
    const std::string log = box.log();
    for (int n = 0; n < 12; ++n) CHECK(log.find("line " + std::to_string(n) + "\n") != std::string::npos);
}

TEST_CASE("a container that ended without a monitor is recorded when it is adopted") {
    if (!can_run()) return;
    Monitored box("sleep 0.2; exit 12");
    SpawnedMonitor first = box.start();
    ::kill(first.child().pid(), SIGKILL);
    first.wait_ended();
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    SpawnedMonitor second = box.spawn(0, true);
    CHECK_FALSE(second.wait_started());
    // 12 where the zombie is still there to be asked, else the honest unknown.
    const auto state = box.state();
    CHECK(state.status == Status::exited);
    CHECK((state.exit_code == 12 || (state.exit_code == 255 && !state.error.empty())));
}

TEST_CASE("only one monitor at a time") {
    if (!can_run()) return;
    Monitored box("sleep 5");
    SpawnedMonitor first = box.start();
    SpawnedMonitor second = box.spawn();
    CHECK_THROWS_AS(second.wait_started(), Error);
    CHECK(box.state().status == Status::running);
    CHECK(box.control().stop({.timeout = 0}) == 137);
    first.wait_ended();
}

TEST_CASE("SIGHUP, SIGINT and SIGPIPE do not hurt a monitor; SIGTERM stops its container") {
    if (!can_run()) return;
    Monitored box("trap 'exit 8' TERM; echo up; while :; do sleep 0.05; done");
    SpawnedMonitor monitor = box.start();
    REQUIRE(eventually([&] { return box.log() == "up\n"; }));
    for (const int signal : {SIGHUP, SIGINT, SIGPIPE, SIGUSR1}) ::kill(monitor.child().pid(), signal);
    CHECK(box.control().ping(std::chrono::seconds(2)));
    ControlClient waiting = box.control();
    ::kill(monitor.child().pid(), SIGTERM);
    CHECK(waiting.wait_exit() == 8);
    monitor.wait_ended();
}

TEST_CASE("a process outside the container's pid namespace dies with the container") {
    if (!can_run()) return;
    Monitored box("sleep 1000 & echo $!; exit 0");
    auto& namespaces = box.job.spec.linux_.namespaces;
    std::erase_if(namespaces, [](const oci::Namespace& n) { return n.type == oci::NamespaceType::pid; });
    SpawnedMonitor monitor = box.start(attach_stdout);
    PacketSocket socket(monitor.take_socket());
    const auto output = Monitored::read_until_exit(socket);
    monitor.wait_ended();
    const auto pid = parse_unsigned(trim(output.out));
    REQUIRE(pid);
    // A zombie has no address space: nobody reaps orphans on some test machines.
    CHECK(eventually([&] {
        const auto status = read_file_if_exists("/proc/" + std::to_string(*pid) + "/status", 1 << 16);
        return !status || status->find("State:\tZ") != std::string::npos;
    }));
}

TEST_CASE("a container with a restart policy is started again by the same monitor") {
    if (!can_run()) return;
    Monitored box("echo run; exit 3");
    box.job.restart = {storage::RestartMode::on_failure, 2};
    SpawnedMonitor monitor = box.start();
    CHECK(box.control().wait_exit() == 3);
    CHECK(eventually([&] { return box.state().status == Status::exited; }));
    monitor.wait_ended();
    CHECK(box.state().restart_count == 2);
    CHECK(box.state().exit_code == 3);
    CHECK(box.log() == "run\nrun\nrun\n");
}

TEST_CASE("a stop calls the next start off") {
    if (!can_run()) return;
    Monitored box("exit 3");
    box.job.restart = {storage::RestartMode::always, 0};
    SpawnedMonitor monitor = box.start();
    REQUIRE(eventually([&] { return box.state().status == Status::restarting && box.state().restart_count >= 2; }));
    CHECK_THROWS_AS(box.control().pause(), Error);
    CHECK(box.control().stop({.timeout = 10, .signal = 0, .purpose = StopPurpose::cancel}) == 3);
    monitor.wait_ended();
    CHECK(box.state().status == Status::exited);
}
