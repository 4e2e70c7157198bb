// SPDX-License-Identifier: Apache-2.0
// Cgroups of the host as it is: needs root and writes to real hierarchies, below /kist-test-<pid>
// only.
#include "oci/run/cgroup.hh"

#include <cstdlib>
#include <fstream>
#include <iostream>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/process.hh"
#include "oci/run/cgroup_devices.hh"

using namespace kist;
using namespace kist::oci;

namespace {

const CgroupHost& host() {
    if (::geteuid() != 0) {
        std::cout << "skipped: needs root\n";
        std::exit(77); // meson's "skipped"
    }
    static const CgroupHost detected = CgroupHost::detect();
    return detected;
}

std::string parent_path() { return "/kist-test-" + std::to_string(::getpid()); }

/// The folders of one test: removed with their parent, whatever happens.
class Scratch {
public:
    explicit Scratch(const Resources& resources = {})
        : group(Cgroup::create(host(), parent_path() + "/one", resources)) {}
    ~Scratch() {
        group.kill_all();
        (void)group.remove();
        (void)Cgroup::open(host(), parent_path()).remove();
    }
    Cgroup group;
};

/// A member that runs `act` and then waits for its end.
template <typename Act>
Child member(const Cgroup& group, Act act) {
    Pipe ready = make_pipe();
    clone_args args{};
    int pidfd = -1;
    args.flags = CLONE_PIDFD | (group.unified() ? CLONE_INTO_CGROUP : 0);
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    args.cgroup = group.unified() ? static_cast<std::uint64_t>(group.unified().get()) : 0;
    args.exit_signal = SIGCHLD;
    const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) {
        try {
            group.join_self(false);
            act();
            write_full(ready.write, "+", "pipe");
            for (;;) ::pause();
        } catch (...) {
            ::_exit(1);
        }
    }
    REQUIRE(pid > 0);
    ready.write.reset();
    char byte = 0;
    REQUIRE(read_full(ready.read, {&byte, 1}, "pipe") == 1);
    return {pid, Fd(pidfd)};
}

std::string value_of(const std::string& controller, const std::string& file) {
    const std::string mount = host().v1_mount(controller);
    return read_file((mount.empty() ? host().unified : mount) + parent_path() + "/one/" + file, 4096);
}

int open_errno(const char* path) {
    const Fd fd{::open(path, O_RDONLY | O_CLOEXEC)};
    return fd ? 0 : errno;
}

} // namespace

TEST_CASE("a member is in every folder, is found, counted, killed, and the folders go") {
    Resources resources;
    resources.pids = PidsLimits{77};
    Scratch scratch(resources);
    CHECK(value_of("pids", "pids.max") == "77\n");
    Child child = member(scratch.group, [] {});
    const std::string own = read_file("/proc/" + std::to_string(child.pid()) + "/cgroup", 65536);
    CHECK(own.find(parent_path() + "/one") != std::string::npos);
    CHECK(scratch.group.pids() == std::vector<pid_t>{child.pid()});
    const Cgroup again = Cgroup::open(host(), parent_path() + "/one");
    CHECK(again.pids() == std::vector<pid_t>{child.pid()});
    CHECK(again.stats().pids == 1);
    CHECK(again.stats().pids_limit == 77);
    CHECK_FALSE(again.remove(std::chrono::milliseconds(5)));
    again.kill_all();
    CHECK(child.wait().signal == SIGKILL);
    CHECK(again.remove());
    CHECK(Cgroup::open(host(), parent_path() + "/one").pids().empty());
}

TEST_CASE("a frozen container stands still, thaws, and can be killed while frozen") {
    Scratch scratch;
    Pipe beat = make_pipe(Blocking::no);
    Child child = member(scratch.group, [&] {
        if (::fork() == 0)
            for (;;) {
                (void)!::write(beat.write.get(), ".", 1);
                ::usleep(1000);
            }
    });
    auto beats = [&] {
        char buffer[4096];
        ssize_t count = 0, got = 0;
        while ((got = ::read(beat.read.get(), buffer, sizeof buffer)) > 0) count += got;
        return count;
    };
    scratch.group.freeze();
    CHECK(scratch.group.is_frozen());
    beats();
    ::usleep(30'000);
    CHECK(beats() == 0);
    scratch.group.thaw();
    CHECK_FALSE(scratch.group.is_frozen());
    ::usleep(100'000);
    CHECK(beats() > 0);
    scratch.group.freeze();
    scratch.group.kill_all();
    CHECK(child.wait().signal == SIGKILL);
    CHECK(scratch.group.remove());
}

TEST_CASE("left-overs of a dead container with the same path are emptied first") {
    Scratch scratch;
    Child child = member(scratch.group, [] {});
    const Cgroup second = Cgroup::create(host(), parent_path() + "/one", {});
    CHECK(child.wait().signal == SIGKILL);
    CHECK(second.pids().empty());
}

TEST_CASE("folders that the container made inside its own are removed too") {
    Scratch scratch;
    const std::string mount = host().unified.empty() ? host().v1_mount("pids") : host().unified;
    REQUIRE(::mkdir((mount + parent_path() + "/one/inner").c_str(), 0755) == 0);
    REQUIRE(::mkdir((mount + parent_path() + "/one/inner/most").c_str(), 0755) == 0);
    CHECK(scratch.group.remove());
}

TEST_CASE("limits are there, and a lower one replaces a higher one in either order") {
    Resources resources;
    resources.memory = MemoryLimits{};
    resources.memory->limit = 64 << 20;
    resources.cpu = CpuLimits{};
    resources.cpu->quota = 50'000;
    resources.cpu->cpus = "0";
    Scratch scratch(resources);
    CHECK(scratch.group.stats().memory_limit == 64u << 20);
    for (const std::int64_t limit : {128, 32}) {
        resources.memory->limit = limit << 20;
        resources.memory->swap = limit << 20;
        scratch.group.apply(plan_cgroup(host(), resources));
        CHECK(scratch.group.stats().memory_limit == static_cast<std::uint64_t>(limit) << 20);
    }
}

TEST_CASE("of two files for one weight the kernel has either or both") {
    const TempDir dir;
    const CgroupHost two{.kind = CgroupHost::Kind::v2, .v1 = {}, .unified = dir.path(), .unified_controllers = {"io"}};
    REQUIRE(::mkdir((dir.path() + "/one").c_str(), 0700) == 0);
    const Cgroup group = Cgroup::open(two, "/one");
    Resources resources;
    resources.block_io.emplace().weight = 500;
    const auto writes = plan_cgroup(two, resources);
    CHECK_THROWS_AS(group.apply(writes), Error);

    const std::string bfq = dir.path() + "/one/io.bfq.weight", cost = dir.path() + "/one/io.weight";
    std::ofstream(bfq).flush();
    group.apply(writes);
    CHECK(read_file(bfq, 100) == "500");
    std::ofstream(cost).flush();
    group.apply(writes);
    CHECK(read_file(cost, 100) == "4950");
    REQUIRE(::unlink(bfq.c_str()) == 0);
    group.apply(writes);
}

TEST_CASE("devices are closed but for those allowed") {
    Resources resources;
    resources.devices = {{true, "c", 1, 3, "rwm"}};
    Scratch scratch(resources);
    Child child = member(scratch.group, [] {
        if (open_errno("/dev/null") != 0 || open_errno("/dev/zero") != EPERM) throw Error("device rules do not hold");
    });
    CHECK(child.pid() > 0);
}

TEST_CASE("the BPF program of v2 loads, holds, and is replaced without a gap") {
    if (host().unified.empty()) return;
    Scratch scratch;
    attach_device_program(scratch.group.unified(), device_program_v2({{true, "c", 1, 3, "rwm"}}));
    Child child = member(scratch.group, [] {
        if (open_errno("/dev/null") != 0 || open_errno("/dev/zero") != EPERM) throw Error("device rules do not hold");
    });
    attach_device_program(scratch.group.unified(), device_program_v2({{true, "c", 1, 5, "rwm"}}));
    Child second = member(scratch.group, [] {
        if (open_errno("/dev/null") != EPERM || open_errno("/dev/zero") != 0) throw Error("device rules do not hold");
    });
    CHECK(second.pid() > 0);
}

TEST_CASE("a path that could leave its place is refused") {
    for (const char* path : {"", "/", "relative", "/a/../b", "/a//b", "/a/", "/./a", "/a\nb"}) {
        CAPTURE(path);
        CHECK_THROWS_AS(Cgroup::create(host(), path, {}), Error);
    }
}

TEST_CASE("a failed create leaves no folder") {
    Resources resources;
    resources.cpu = CpuLimits{};
    resources.cpu->cpus = "9999";
    CHECK_THROWS_AS(Cgroup::create(host(), parent_path() + "/one", resources), Error);
    for (const auto& [controller, mount] : host().v1)
        CHECK(::access((mount + parent_path() + "/one").c_str(), F_OK) != 0);
    (void)Cgroup::open(host(), parent_path()).remove();
}
