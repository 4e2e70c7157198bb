// SPDX-License-Identifier: Apache-2.0
#include "sandbox.hh"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::oci::test {

namespace {

namespace fs = std::filesystem;

constexpr auto applets = {"sh",       "cat",  "ls",     "echo",   "true",     "false",  "id",    "mount",
                          "grep",     "stat", "touch",  "mkdir",  "sleep",    "pwd",    "tty",   "stty",
                          "hostname", "ip",   "ulimit", "env",    "readlink", "wc",     "sed",   "head",
                          "find",     "ln",   "rm",     "chmod",  "ps",       "dd",     "umask", "kill",
                          "mknod",    "sort", "test",   "printf", "df",       "sysctl", "awk"};

void make_image(const fs::path& image) {
    fs::create_directories(image / "bin");
    fs::create_directories(image / "etc");
    fs::create_directories(image / "root");
    fs::create_directories(image / "home/web");
    fs::create_directories(image / "full/sub");
    fs::permissions(image / "root", fs::perms::owner_all);
    fs::copy_file("/bin/busybox", image / "bin/busybox");
    for (const char* name : applets) fs::create_symlink("busybox", image / "bin" / name);
    write_file(image / "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000:web:/home/web:/bin/sh\n");
    write_file(image / "etc/group", "root:x:0:\nweb:x:1000:\ndisk:x:6:web\n");
    write_file(image / "etc/plain", "not a program\n");
    write_file(image / "bin/no-interpreter", "#!/no/such/program\n", 0755);
    write_file(image / "full/sub/file", "copied\n");
}

std::string read_until_end(const Fd& pipe) { return read_all(pipe, 1 << 20, "output"); }

} // namespace

std::string write_file(const std::string& path, const std::string& text, unsigned mode) {
    std::ofstream(path) << text;
    if (::chmod(path.c_str(), mode) < 0) throw SysError("changing mode of '{}'", path);
    return path;
}

std::string why_not() {
    if (::geteuid() != 0) return "needs root";
    if (::access("/bin/busybox", X_OK) != 0) return "needs /bin/busybox (package busybox-static)";
    return "";
}

Sandbox::Sandbox() {
    for (const char* name : {"image", "upper", "work", "outside"}) fs::create_directory(fs::path(dir_.path()) / name);
    fs::permissions(dir_.path(), fs::perms(0711)); // a container's user walks through it
    make_image(image());
    const std::string name = "/kist-test-" + fs::path(dir_.path()).filename().string();
    cgroup_ = Cgroup::create(CgroupHost::detect(), name, Resources{});
}

Sandbox::~Sandbox() {
    cgroup_->kill_all();
    cgroup_->remove();
}

RootMount Sandbox::root() const {
    return {.kind = RootMount::Kind::overlay,
            .path = {},
            .lower = {image()},
            .upper = upper(),
            .work = dir_.path() + "/work",
            .options = {}};
}

Spec Sandbox::spec(const std::string& script) const {
    Spec spec;
    spec.process = command({"sh", "-c", script});
    spec.root = Root{};
    spec.hostname = "box";
    const auto mount = [&](std::string to, std::string type, std::string from, std::vector<std::string> words) {
        spec.mounts.push_back({.destination = std::move(to),
                               .type = std::move(type),
                               .source = std::move(from),
                               .options = std::move(words)});
    };
    mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"});
    mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"});
    mount("/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"});
    mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"});
    mount("/sys/fs/cgroup", "cgroup", "cgroup", {"ro", "nosuid", "noexec", "nodev"});
    mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"});
    mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=67108864"});
    using N = NamespaceType;
    for (const N type : {N::mount, N::pid, N::network, N::ipc, N::uts, N::cgroup})
        spec.linux_.namespaces.push_back({type, ""});
    spec.linux_.masked_paths = {"/proc/acpi",
                                "/proc/asound",
                                "/proc/interrupts",
                                "/proc/kcore",
                                "/proc/keys",
                                "/proc/latency_stats",
                                "/proc/sched_debug",
                                "/proc/scsi",
                                "/proc/timer_list",
                                "/proc/timer_stats",
                                "/sys/devices/virtual/powercap",
                                "/sys/firmware",
                                "/sys/fs/selinux"};
    spec.linux_.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    return spec;
}

Process command(const std::vector<std::string>& args) {
    Process process;
    process.args = args;
    process.env = {"PATH=/usr/bin:/bin"};
    const std::vector<std::string> names = {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL",
                                            "CAP_MKNOD", "CAP_SETUID",       "CAP_SETGID"};
    process.capabilities =
        Capabilities{.bounding = names, .effective = names, .inheritable = {}, .permitted = names, .ambient = {}};
    process.no_new_privileges = true;
    return process;
}

CreatedProcess Sandbox::create(const Spec& spec, const LaunchOptions& launch) const {
    return create_container(spec, root(), cgroup(), launch);
}

namespace {

template <typename Make>
Result run_with(LaunchOptions launch, Make make) {
    Result result;
    Pipe output = make_pipe();
    const Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    launch.stdio = {null.get(), output.write.get(), output.write.get()};
    try {
        CreatedProcess process = make(launch);
        process.start();
        output.write.reset();
        const Fd& source = process.terminal() ? process.terminal() : output.read;
        if (!process.terminal()) result.out = read_until_end(source);
        result.code = process.take().wait().code();
    } catch (const Error& error) {
        result.code = static_cast<int>(error.exit_code());
        result.error = error.message();
        result.hint = error.hint();
    }
    return result;
}

} // namespace

Result Sandbox::run(const Spec& spec, const LaunchOptions& launch) const {
    return run_with(launch, [&](const LaunchOptions& full) { return create(spec, full); });
}

Result Sandbox::enter(const Child& init, const Process& process, const LaunchOptions& launch) const {
    return run_with(launch, [&](const LaunchOptions& full) {
        return enter_container(init.pidfd(), init.pid(), process, cgroup(), full);
    });
}

} // namespace kist::oci::test
