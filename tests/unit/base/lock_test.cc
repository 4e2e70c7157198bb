// SPDX-License-Identifier: Apache-2.0
// Locks between processes: who waits, who is named, what death releases.
#include "base/lock.hh"

#include <csignal>

#include <catch2/catch_test_macros.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hh"

using namespace kist;
using namespace std::chrono_literals;

namespace {

/// A process that takes a lock and keeps it until it is told to end, or is killed.
class Holder {
public:
    Holder(const Dir& dir, LockMode mode) {
        Pipe ready = make_pipe();
        pid_ = ::fork();
        if (pid_ == 0) {
            end_.write.reset();
            const FileLock lock = FileLock::acquire(dir, "lock", mode);
            write_full(ready.write, "x", "pipe");
            char c;
            [[maybe_unused]] const ssize_t n = ::read(end_.read.get(), &c, 1);
            ::_exit(0); // no destructors: the kernel releases the lock
        }
        ready.write.reset();
        end_.read.reset();
        char c;
        REQUIRE(read_full(ready.read, {&c, 1}, "pipe") == 1);
    }
    ~Holder() { end(); }
    void end() {
        if (pid_ <= 0) return;
        end_.write.reset();
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    void kill() {
        ::kill(pid_, SIGKILL);
        end();
    }
    pid_t pid() const { return pid_; }

private:
    Pipe end_ = make_pipe();
    pid_t pid_ = -1;
};

struct Place {
    TempDir temp;
    Dir dir = Dir::open(temp.path());
};

} // namespace

TEST_CASE("an exclusive lock keeps everybody else out, also within one process") {
    const Place place;
    CHECK_FALSE(FileLock::is_held(place.dir, "lock"));
    {
        const FileLock lock = FileLock::acquire(place.dir, "lock");
        CHECK(FileLock::is_held(place.dir, "lock"));
        CHECK_FALSE(FileLock::try_acquire(place.dir, "lock"));
        CHECK_FALSE(FileLock::try_acquire(place.dir, "lock", LockMode::shared));
    }
    CHECK_FALSE(FileLock::is_held(place.dir, "lock"));
    CHECK(FileLock::try_acquire(place.dir, "lock"));
}

TEST_CASE("shared locks go together and are not 'held'") {
    const Place place;
    const Holder other(place.dir, LockMode::shared);
    CHECK(FileLock::try_acquire(place.dir, "lock", LockMode::shared));
    CHECK_FALSE(FileLock::try_acquire(place.dir, "lock"));
    CHECK_FALSE(FileLock::is_held(place.dir, "lock"));
}

TEST_CASE("a lock that is not free in time is an error that names its holder") {
    const Place place;
    const Holder other(place.dir, LockMode::exclusive);
    const auto before = std::chrono::steady_clock::now();
    try {
        FileLock::acquire(place.dir, "lock", LockMode::exclusive, 50ms);
        FAIL("two hold it");
    } catch (const Error& error) {
        const std::string start =
            "'" + place.temp.path() + "/lock' is locked by pid " + std::to_string(other.pid()) + " (";
        CHECK(error.message().starts_with(start));
        CHECK(error.message().find("base-test") != std::string::npos);
    }
    const auto waited = std::chrono::steady_clock::now() - before;
    CHECK(waited >= 50ms);
    CHECK(waited < 500ms);
}

TEST_CASE("a waiter is woken as soon as the lock is free, and SIGALRM is as it was") {
    const Place place;
    struct sigaction ignored {};
    ignored.sa_handler = SIG_IGN;
    struct sigaction before {};
    ::sigaction(SIGALRM, &ignored, &before);
    Holder other(place.dir, LockMode::exclusive);
    const pid_t ender = ::fork();
    if (ender == 0) {
        ::usleep(30'000);
        ::kill(other.pid(), SIGKILL);
        ::_exit(0);
    }
    const FileLock lock = FileLock::acquire(place.dir, "lock", LockMode::exclusive, 10s);
    CHECK(FileLock::is_held(place.dir, "lock"));
    ::waitpid(ender, nullptr, 0);
    struct sigaction now {};
    ::sigaction(SIGALRM, &before, &now);
    CHECK(now.sa_handler == SIG_IGN);
}

TEST_CASE("a killed holder releases its lock, a child that inherited it keeps it") {
    const Place place;
    Holder other(place.dir, LockMode::exclusive);
    CHECK(FileLock::is_held(place.dir, "lock"));
    other.kill();
    CHECK_FALSE(FileLock::is_held(place.dir, "lock"));

    Pipe end = make_pipe();
    pid_t child = -1;
    {
        const FileLock lock = FileLock::acquire(place.dir, "lock");
        child = ::fork();
        if (child == 0) {
            end.write.reset();
            char c;
            [[maybe_unused]] const ssize_t n = ::read(end.read.get(), &c, 1);
            ::_exit(0);
        }
    }
    CHECK(FileLock::is_held(place.dir, "lock"));
    end.write.reset();
    ::waitpid(child, nullptr, 0);
    CHECK_FALSE(FileLock::is_held(place.dir, "lock"));
}

TEST_CASE("whoever waited for a lock whose file was removed meanwhile holds the new file") {
    const Place place;
    Pipe go = make_pipe();
    const pid_t remover = ::fork();
    if (remover == 0) {
        const FileLock lock = FileLock::acquire(place.dir, "lock");
        write_full(go.write, "x", "pipe");
        ::usleep(20'000);
        place.dir.remove_file("lock");
        ::_exit(0);
    }
    char c;
    REQUIRE(read_full(go.read, {&c, 1}, "pipe") == 1);
    const FileLock lock = FileLock::acquire(place.dir, "lock");
    ::waitpid(remover, nullptr, 0);
    CHECK(place.dir.exists("lock"));
    CHECK(FileLock::is_held(place.dir, "lock"));
}
