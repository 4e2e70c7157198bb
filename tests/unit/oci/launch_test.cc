// SPDX-License-Identifier: Apache-2.0
// Real containers by create_container and enter_container, as root. Skipped (exit code 77) elsewhere.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/process.hh"
#include "base/text.hh"
#include "oci/run/sealed_program.hh"
#include "sandbox.hh"

using namespace kist;
using namespace kist::oci;
using namespace kist::oci::test;

namespace fs = std::filesystem;

namespace {

/// Before Catch2's main: there is nothing to test, and 77 says so to meson.
[[maybe_unused]] const bool able = [] {
    if (const std::string reason = why_not(); !reason.empty()) {
        fmt::print("skipped: {}\n", reason);
        std::exit(77);
    }
    return true;
}();

} // namespace

TEST_CASE("a container runs its command and its exit code is passed on") {
    const Sandbox box;
    const Result result = box.run("echo hello; exit 7");
    CHECK(result.error == "");
    CHECK(result.out == "hello\n");
    CHECK(result.code == 7);
}

TEST_CASE("a container has its own namespaces, host name and init") {
    const Sandbox box;
    const Result result = box.run("hostname; echo $$; ip link | grep -c LOOPBACK,UP; ls /proc | grep -c '^[0-9]'");
    CHECK(result.out == "box\n1\n1\n3\n");
}

TEST_CASE("the cgroup tree shows the container's own folders, read-only") {
    const Sandbox box;
    const Result result = box.run(
        "cat /proc/self/cgroup; grep cgroup /proc/self/mountinfo; "
        "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do touch $d/x 2>/dev/null && echo writable $d; done; "
        "find /sys/fs/cgroup -name cgroup.procs | grep -c .");
    CAPTURE(result.out);
    CHECK(!has(result.out, "kist-test"));
    CHECK(!has(result.out, "writable"));
    std::istringstream lines(result.out);
    int inside = 0;
    for (std::string line; std::getline(lines, line);) {
        if (has(line, "memory:") || has(line, "pids:") || line.starts_with("0:")) CHECK(line.ends_with(":/"));
        if (has(line, " /sys/fs/cgroup")) {
            ++inside;
            CHECK(has(line, " ro,"));
        }
    }
    CHECK(inside >= 1);
}

TEST_CASE("capabilities are those of the spec, none is inheritable, and no_new_privs is set") {
    const Sandbox box;
    const std::string out = box.run("grep -E 'Cap|NoNewPrivs' /proc/self/status").out;
    CAPTURE(out);
    CHECK(has(out, "CapInh:\t0000000000000000"));
    CHECK(has(out, "CapPrm:\t00000000080000eb"));
    CHECK(has(out, "CapEff:\t00000000080000eb"));
    CHECK(has(out, "CapBnd:\t00000000080000eb"));
    CHECK(has(out, "CapAmb:\t0000000000000000"));
    CHECK(has(out, "NoNewPrivs:\t1"));
}

TEST_CASE("another user has no capability, its groups, its home, and may reopen its standard output") {
    const Sandbox box;
    LaunchOptions options;
    options.user = "web";
    options.group_add = {"disk"};
    const Result result =
        box.run(box.spec("id; echo $HOME; grep CapEff /proc/self/status; echo again > /dev/stdout"), options);
    CHECK(result.error == "");
    CHECK(result.out ==
          "uid=1000(web) gid=1000(web) groups=6(disk),1000(web)\n/home/web\nCapEff:\t0000000000000000\nagain\n");
}

TEST_CASE("an unknown user is refused before anything runs") {
    const Sandbox box;
    LaunchOptions options;
    options.user = "nobody-here";
    const Result result = box.run(box.spec("echo ran"), options);
    CHECK(has(result.error, "nobody-here"));
    CHECK(result.code == 125);
}

TEST_CASE("a missing command is 127, one that cannot be executed 126") {
    const Sandbox box;
    const auto run = [&](const std::string& name) {
        Spec spec = box.spec("");
        spec.process->args = {name};
        return box.run(spec);
    };
    CHECK(run("no-such").error == "exec: 'no-such': executable file not found in $PATH");
    CHECK(run("no-such").code == 127);
    CHECK(run("/no/such").error == "exec: '/no/such': No such file or directory");
    CHECK(run("/no/such").code == 127);
    CHECK(run("/etc/plain").error == "exec: '/etc/plain': Permission denied");
    CHECK(run("/etc/plain").code == 126);
    CHECK(run("/etc").code == 126);
    CHECK(run("").code == 127);
    CHECK(run("no-interpreter").code == 127);
    CHECK(has(run("no-interpreter").hint, "interpreter"));
    write_file(box.image() + "/bin/garbage",
               "\x7f"
               "ELF nonsense",
               0755);
    CHECK(run("garbage").code == 126);
    CHECK(run("garbage").error == "exec: 'garbage': Exec format error");
}

TEST_CASE("the working directory is made when asked for, and is an error otherwise") {
    const Sandbox box;
    Spec spec = box.spec("pwd");
    spec.process->cwd = "/srv/app";
    CHECK(box.run(spec).code == 127);
    LaunchOptions options;
    options.create_cwd = true;
    CHECK(box.run(spec, options).out == "/srv/app\n");
    CHECK(fs::is_directory(box.upper() + "/srv/app"));
}

TEST_CASE("a working directory through a descriptor of ours is refused") {
    const Sandbox box;
    for (int fd = 3; fd < 32; ++fd) {
        Spec spec = box.spec("cat ../../../../etc/hostname");
        spec.process->cwd = "/proc/self/fd/" + std::to_string(fd);
        const Result result = box.run(spec);
        CAPTURE(fd, result.out, result.error);
        CHECK(result.error != "");
    }
}

TEST_CASE("a program gets no descriptor but its own three") {
    const Sandbox box;
    const Fd leaky{::open("/etc", O_RDONLY)}; // not CLOEXEC on purpose
    const Result result = box.run("ls /proc/self/fd");
    CHECK(result.out == "0\n1\n2\n3\n"); // 3: the folder that ls reads
}

TEST_CASE("extra descriptors follow as 3 and up") {
    const Sandbox box;
    const Fd one{::open(write_file(box.outside() + "/one", "1st\n").c_str(), O_RDONLY | O_CLOEXEC)};
    const Fd two{::open(write_file(box.outside() + "/two", "2nd\n").c_str(), O_RDONLY | O_CLOEXEC)};
    LaunchOptions options;
    options.extra_fds = {two.get(), one.get()};
    CHECK(box.run(box.spec("cat <&3; cat <&4"), options).out == "2nd\n1st\n");
}

TEST_CASE("a terminal: controlling, of the container's own devpts, with the size asked for, on /dev/console too") {
    const Sandbox box;
    Spec spec = box.spec("tty; stty size; echo on the console > /dev/console; ls -l /dev/console | head -c 10; exit 3");
    spec.process->terminal = true;
    spec.process->console_size = Box{.height = 33, .width = 77};
    CreatedProcess process = box.create(spec);
    REQUIRE(process.terminal());
    process.start();
    std::string out;
    char buffer[512];
    for (pollfd wait{process.terminal().get(), POLLIN, 0}; ::poll(&wait, 1, 3000) > 0;) {
        const ssize_t length = ::read(process.terminal().get(), buffer, sizeof buffer);
        if (length <= 0) break;
        out.append(buffer, static_cast<std::size_t>(length));
    }
    CAPTURE(out);
    CHECK(has(out, "/dev/pts/0\r\n33 77\r\non the console\r\ncrw"));
    CHECK(process.take().wait().code() == 3);
}

TEST_CASE("umask, limits and sysctls take effect") {
    const Sandbox box;
    Spec spec = box.spec(
        "umask; ulimit -n; ulimit -Hn; cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax");
    spec.process->user.umask = 0027;
    spec.process->rlimits = {{"RLIMIT_NOFILE", 900, 800}};
    spec.linux_.sysctl = {{"net.ipv4.ip_unprivileged_port_start", "80"}, {"kernel.msgmax", "9000"}};
    CHECK(box.run(spec).out == "0027\n800\n900\n80\n9000\n");
}

TEST_CASE("a limit that cannot be had is an error unless it may be clamped") {
    const Sandbox box;
    Spec spec = box.spec("ulimit -Hn");
    spec.process->rlimits = {{"RLIMIT_NOFILE", 1u << 31, 1u << 31}};
    CHECK(has(box.run(spec).error, "setting limit 'RLIMIT_NOFILE'"));
    LaunchOptions options;
    options.clamp_rlimits = {"RLIMIT_NOFILE"};
    CHECK(box.run(spec, options).code == 0);
}

TEST_CASE("exec enters all namespaces and the cgroup, with its own identity, and leaks no descriptor") {
    const Sandbox box;
    CreatedProcess init = box.create(box.spec("exec sleep 100"));
    init.start();
    const auto enter = [&](const std::string& script) {
        return box.enter(init.child(), command({"sh", "-c", script}));
    };
    CHECK(enter("hostname; exit 5").out == "box\n");
    CHECK(enter("exit 5").code == 5);
    const std::string out =
        enter(
            "for n in mnt pid net ipc uts cgroup; do test $(readlink /proc/self/ns/$n) = $(readlink /proc/1/ns/$n) || "
            "echo $n; done; "
            "cat /proc/1/cgroup > /dev/shm/a; cat /proc/self/cgroup | sort > /dev/shm/b; sort /dev/shm/a > /dev/shm/c; "
            "test \"$(cat /dev/shm/b)\" = \"$(cat /dev/shm/c)\" || echo cgroup; ls /proc/self/fd; grep CapEff "
            "/proc/self/status")
            .out;
    CHECK(out == "0\n1\n2\n3\nCapEff:\t00000000080000eb\n");
    CHECK(box.enter(init.child(), command({"nope"})).code == 127);
    CHECK(box.enter(init.child(), command({"/etc/plain"})).code == 126);
    Process user = command({"sh", "-c", "id -u; echo $HOME; pwd"});
    user.cwd = "/home";
    LaunchOptions options;
    options.user = "web";
    CHECK(box.enter(init.child(), user, options).out == "1000\n/home/web\n/home\n");
    Process stray = command({"pwd"});
    for (int fd = 3; fd < 24; ++fd) {
        stray.cwd = "/proc/self/fd/" + std::to_string(fd);
        // One descriptor is the container's own root: that is inside.
        const Result result = box.enter(init.child(), stray);
        CHECK((result.error != "" || result.out == "/\n"));
    }
}

TEST_CASE("exec into a container that has ended is an error") {
    const Sandbox box;
    CreatedProcess init = box.create(box.spec("exit 0"));
    init.start();
    const Child& child = init.child();
    pollfd ended{child.pidfd().get(), POLLIN, 0};
    REQUIRE(::poll(&ended, 1, 3000) == 1);
    CHECK(box.enter(child, command({"true"})).error != "");
}

TEST_CASE("a container joins the namespaces of another by path") {
    const Sandbox box;
    CreatedProcess first = box.create(box.spec("exec sleep 100"));
    first.start();
    Spec spec = box.spec("for n in pid net ipc uts; do readlink /proc/self/ns/$n; done");
    const std::string base = "/proc/" + std::to_string(first.pid()) + "/ns/";
    spec.hostname.clear();
    std::string expected;
    for (auto& name : spec.linux_.namespaces) {
        using N = NamespaceType;
        if (name.type == N::mount || name.type == N::cgroup) continue;
        name.path = base + std::string(name.type == N::network ? "net" : name_of(name.type));
    }
    for (const char* name : {"pid", "net", "ipc", "uts"}) expected += fs::read_symlink(base + name).string() + "\n";
    CHECK(box.run(spec).out == expected);
}

TEST_CASE("what is not supported is refused by name") {
    const Sandbox box;
    Spec spec = box.spec("true");
    spec.linux_.namespaces.push_back({NamespaceType::user, ""});
    CHECK(box.run(spec).error == "linux.uidMappings: id 0, the container's root, is not mapped");
    spec = box.spec("true");
    spec.linux_.sysctl = {{"kernel.core_pattern", "|/bin/x"}};
    CHECK(has(box.run(spec).error, "does not belong to a container"));
}

TEST_CASE("a process that is never started ends with its maker's interest") {
    const Sandbox box;
    pid_t pid = 0;
    {
        CreatedProcess process = box.create(box.spec("echo never"));
        pid = process.pid();
        CHECK(::kill(pid, 0) == 0);
    }
    CHECK(::kill(pid, 0) == -1);
}

TEST_CASE("a sealed program runs, and cannot be written through /proc/PID/exe") {
    const Sandbox box;
    CHECK(!runs_sealed());
    const std::string path = box.image() + "/bin/busybox";
    const Fd sealed = open_sealed_program(path);
    Spawn spawn;
    spawn.program = sealed.get();
    spawn.argv = {"busybox", "sleep", "100"}; // by another name busybox would end before we look at it
    const Child child = kist::spawn(spawn);
    const std::string exe = "/proc/" + std::to_string(child.pid()) + "/exe";
    const Fd place{::open(exe.c_str(), O_PATH | O_CLOEXEC)};
    REQUIRE(place);
    child.signal(SIGKILL);
    // A file that nobody executes any more could be written, were it not for its mount.
    const std::string again = "/proc/self/fd/" + std::to_string(place.get());
    int code = ETXTBSY;
    for (int tries = 0; code == ETXTBSY && tries < 200; ++tries) {
        ::usleep(5000);
        const Fd writable{::open(again.c_str(), O_WRONLY | O_CLOEXEC)};
        code = writable ? 0 : errno;
    }
    CHECK(code == EROFS);
}

TEST_CASE("timing", "[.bench]") {
    const Sandbox box;
    LaunchOptions options;
    using Clock = std::chrono::steady_clock;
    const auto ms = [](Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); };
    Spec spec = box.spec("");
    spec.process->args = {"true"};
    for (int i = 0; i < 20; ++i) {
        const auto begin = Clock::now();
        CreatedProcess process = box.create(spec, options);
        const auto created = Clock::now();
        process.start();
        const auto started = Clock::now();
        process.take().wait();
        const auto ended = Clock::now();
        fmt::print("create {:.2f} start {:.2f} exit {:.2f} total {:.2f} ms\n", ms(created - begin),
                   ms(started - created), ms(ended - started), ms(ended - begin));
    }
    CreatedProcess init = box.create(box.spec("exec sleep 100"));
    init.start();
    for (int i = 0; i < 20; ++i) {
        const auto begin = Clock::now();
        CreatedProcess process =
            enter_container(init.child().pidfd(), init.pid(), command({"true"}), box.cgroup(), options);
        const auto created = Clock::now();
        process.start();
        process.take().wait();
        fmt::print("enter {:.2f} total {:.2f} ms\n", ms(created - begin), ms(Clock::now() - begin));
    }
}

namespace {

Hook logging_hook(const Sandbox& box, const std::string& name, const std::string& script) {
    return {.path = write_file(box.outside() + "/" + name, "#!/bin/sh\n" + script + "\n", 0755),
            .args = {name, box.outside() + "/log"},
            .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}};
}

} // namespace

TEST_CASE("hooks run in order, each in its namespaces, before the program") {
    const Sandbox box;
    Spec spec = box.spec("echo program; cat /hook-log");
    LaunchOptions launch;
    launch.hooks.id = "box";
    spec.hooks.prestart = {logging_hook(box, "prestart", R"x(echo "$0 $(hostname)" >>"$1"; cat >>"$1"; echo >>"$1")x")};
    spec.hooks.create_runtime = {logging_hook(box, "runtime", R"x(echo "$0" >>"$1")x")};
    spec.hooks.create_container = {logging_hook(box, "container", R"x(echo "$0 $(hostname)" >>"$1")x")};
    spec.hooks.start_container = {
        {.path = "/bin/sh", .args = {"sh", "-c", "echo start $(hostname) >/hook-log"}, .env = {"PATH=/bin"}}};
    const Result result = box.run(spec, launch);
    CHECK(result.error == "");
    CHECK(result.out == "program\nstart box\n");
    const auto lines = split(read_file(box.outside() + "/log", 1 << 20), '\n');
    REQUIRE(lines.size() >= 4);
    CHECK((has(lines[0], "/prestart ") && !has(lines[0], " box")));
    CHECK((has(lines[1], R"("status":"creating")") && has(lines[1], R"("id":"box")") && has(lines[1], R"("pid":)")));
    CHECK(has(lines[2], "/runtime"));
    CHECK(has(lines[3], "/container box"));
}

TEST_CASE("a hook that fails is the failure of the container") {
    const Sandbox box;
    for (const int which : {0, 1, 2, 3}) {
        Spec spec = box.spec("echo program");
        const Hook hook = which == 3 ? Hook{.path = "/bin/sh", .args = {"sh", "-c", "echo why >&2; exit 9"}}
                                     : logging_hook(box, "bad", "echo why >&2; exit 9");
        std::vector<Hook>* places[] = {&spec.hooks.prestart, &spec.hooks.create_runtime, &spec.hooks.create_container,
                                       &spec.hooks.start_container};
        places[which]->push_back(hook);
        const Result result = box.run(spec);
        CAPTURE(which, result.error);
        CHECK(has(result.error, "exit code 9: why"));
        CHECK(result.out == "");
    }
}
