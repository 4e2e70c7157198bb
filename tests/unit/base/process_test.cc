// SPDX-License-Identifier: Apache-2.0
// Programs that are started, fail to start, end and are killed.
#include "base/process.hh"

#include <cerrno>
#include <csignal>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/signals.hh"

using namespace kist;

namespace {

/// What a shell command writes to its standard output.
std::string output(Spawn what, const std::string& script) {
    Pipe pipe = make_pipe();
    what.argv = {"/bin/sh", "-c", script};
    what.fds.emplace_back(pipe.write.get(), 1);
    Child child = spawn(what);
    pipe.write.reset();
    std::string text = read_all(pipe.read, 1 << 20, "output");
    CHECK(child.wait().code() == 0);
    return text;
}

SysError failure(const Spawn& what) {
    try {
        spawn(what).wait();
    } catch (const SysError& error) {
        return error;
    }
    FAIL("it started");
    throw;
}

} // namespace

TEST_CASE("a program gets the arguments, environment and folder it is given, and its exit code comes back") {
    CHECK(output({.env = {"A=1"}, .cwd = "/"}, "echo $A-$PWD") == "1-/\n");
    CHECK(spawn({.argv = {"/bin/sh", "-c", "exit 7"}}).wait().code() == 7);
    const ExitStatus killed = spawn({.argv = {"/bin/sh", "-c", "kill -TERM $$"}}).wait();
    CHECK(killed.signal == SIGTERM);
    CHECK(killed.code() == 143);
}

TEST_CASE("a program that cannot be started is an error here, with its reason") {
    CHECK(failure({.argv = {"/no/such/program"}}).message() ==
          "starting '/no/such/program': No such file or directory");
    CHECK(failure({.argv = {"/etc/passwd"}}).code == EACCES);
    CHECK(failure({.argv = {"/bin/true"}, .cwd = "/none"}).message() ==
          "starting '/bin/true': changing to folder '/none': No such file or directory");
    CHECK(failure({.argv = {"/bin/true"}, .fds = {{999999, 3}}}).code == EBADF);
    CHECK_THROWS_AS(spawn({}), Error);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); // nothing is left to reap
}

TEST_CASE("descriptors arrive under the numbers asked for, even when those are taken crosswise") {
    Pipe a = make_pipe();
    Pipe b = make_pipe();
    // Each write end is asked for under the other's number.
    const int first = a.write.get(), second = b.write.get();
    const std::string script = "echo one >&" + std::to_string(second) + "; echo two >&" + std::to_string(first);
    // dash takes only one digit after >&: bash or a redirection by /proc would hide the point.
    REQUIRE(first < 10);
    REQUIRE(second < 10);
    Child child = spawn({.argv = {"/bin/sh", "-c", script}, .fds = {{first, second}, {second, first}}});
    a.write.reset();
    b.write.reset();
    CHECK(read_all(a.read, 100, "pipe") == "one\n");
    CHECK(read_all(b.read, 100, "pipe") == "two\n");
    CHECK(child.wait().code() == 0);
}

TEST_CASE("a program inherits nothing but what it was given") {
    const Fd high{::fcntl(0, F_DUPFD_CLOEXEC, 777)};
    const std::string open = " " + output({.fds = {{high.get(), 5}}}, "echo $(ls /proc/$$/fd)");
    CHECK(open.find(" 5") != std::string::npos);
    CHECK(open.find("77") == std::string::npos); // neither ours nor the copies that were moved out of the way
    // A shell's are not marked to be closed: one above the numbers asked for, one between them.
    const Fd from_shell{::fcntl(0, F_DUPFD, 888)};
    const Fd low{::fcntl(0, F_DUPFD, 50)};
    REQUIRE(low.get() < 99);
    const std::string more = " " + output({.fds = {{high.get(), 99}}}, "echo $(ls /proc/$$/fd) end");
    CHECK(more.find(" 99 ") != std::string::npos);
    CHECK(more.find(" 888 ") == std::string::npos);
    CHECK(more.find(fmt::format(" {} ", low.get())) == std::string::npos);
}

TEST_CASE("ignored and blocked signals are reset for the program, unless asked otherwise") {
    struct sigaction before {};
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before);
    const SignalMask mask({SIGUSR1});
    const std::string show = "grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\n\\t'";
    CHECK(output({}, show) == "SigBlk:0000000000000000SigIgn:0000000000000000");
    // Under nohup SIGHUP is ignored too: what the program gets is what this process has.
    const std::string own = output({.reset_signals = false}, show);
    CHECK(own.starts_with("SigBlk:0000000000000200SigIgn:"));
    CHECK((std::stoull(own.substr(own.rfind(':') + 1), nullptr, 16) & 0x1000) != 0);
    ::sigaction(SIGPIPE, &before, nullptr);
    sigset_t now;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
    CHECK(::sigismember(&now, SIGUSR1) == 1);
    CHECK(::sigismember(&now, SIGTERM) == 0); // ours is as it was
}

TEST_CASE("a new session is made when asked for") {
    CHECK(output({.new_session = true}, "cut -d' ' -f6 /proc/$$/stat; echo $$").find('\n') != std::string::npos);
    const std::string ids = output({.new_session = true}, "echo $(cut -d' ' -f6 /proc/$$/stat) $$");
    CHECK(ids.substr(0, ids.find(' ')) + "\n" == ids.substr(ids.find(' ') + 1));
}

TEST_CASE("a child can be asked about, signalled, and is killed with its owner") {
    pid_t pid = -1;
    {
        Child child = spawn({.argv = {"/bin/sleep", "100"}});
        pid = child.pid();
        CHECK_FALSE(child.try_wait());
        CHECK(child.signal(0));
        CHECK(open_pidfd(pid));
    }
    CHECK(::kill(pid, 0) == -1);
    CHECK_FALSE(open_pidfd(pid));
    CHECK_FALSE(process_start_time(pid));

    Child child = spawn({.argv = {"/bin/sleep", "100"}});
    Child moved = std::move(child);
    CHECK(moved.signal(SIGKILL));
    CHECK(moved.wait().signal == SIGKILL);
    CHECK_FALSE(moved.signal(SIGTERM));
}

TEST_CASE("a released child lives on") {
    Child child = spawn({.argv = {"/bin/sleep", "100"}});
    const Fd pidfd = child.pidfd().duplicate();
    const pid_t pid = child.release();
    child = Child();
    CHECK(::kill(pid, 0) == 0);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

TEST_CASE("the start time of a process does not change and its name cannot confuse it") {
    const auto first = process_start_time(::getpid());
    REQUIRE(first);
    CHECK(*first > 0);
    CHECK(process_start_time(::getpid()) == first);
    CHECK_FALSE(process_start_time(1 << 30));
}

TEST_CASE("a wait status reads as exit code or signal") {
    CHECK(ExitStatus::from_wait_status(3 << 8).code() == 3);
    CHECK(ExitStatus::from_wait_status(SIGKILL).code() == 137);
    CHECK(ExitStatus::from_wait_status(SIGSEGV | 0x80).core_dumped);
}
