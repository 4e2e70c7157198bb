// SPDX-License-Identifier: Apache-2.0
#include "monitored.hh"

#include <filesystem>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"
#include "monitor/log_reader.hh"
#include "oci/run/cgroup.hh"

namespace kist::monitor::test {

namespace {

namespace fs = std::filesystem;

constexpr auto applets = {"sh",   "cat", "echo", "true", "sleep", "kill", "dd",
                          "head", "yes", "grep", "stty", "seq",   "tty"};

oci::Spec spec_for(const std::string& script, const std::string& cgroup_path) {
    oci::Spec spec;
    spec.process.emplace();
    spec.process->args = {"sh", "-c", script};
    spec.process->env = {"PATH=/bin"};
    spec.root = oci::Root{};
    const auto mount = [&](const char* to, const char* type, std::vector<std::string> words) {
        spec.mounts.push_back({.destination = to, .type = type, .source = type, .options = std::move(words)});
    };
    mount("/proc", "proc", {"nosuid", "noexec", "nodev"});
    mount("/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"});
    mount("/dev/pts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"});
    using N = oci::NamespaceType;
    for (const N type : {N::mount, N::pid, N::network, N::ipc, N::uts, N::cgroup})
        spec.linux_.namespaces.push_back({type, ""});
    spec.linux_.cgroups_path = cgroup_path;
    return spec;
}

storage::ContainerConfig config_for(const ContainerId& id) {
    storage::ContainerConfig config;
    config.id = id.str();
    config.name = "test-" + id.short_id();
    return config;
}

} // namespace

std::string why_not() {
    if (::geteuid() != 0) return "needs root";
    if (::access("/bin/busybox", X_OK) != 0) return "needs /bin/busybox (package busybox-static)";
    return "";
}

bool eventually(const std::function<bool()>& holds) {
    for (int n = 0; n < 500; ++n) {
        if (holds()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

Monitored::Monitored(const std::string& script)
    : store_(storage::Store::open({dir_.path() + "/data", dir_.path() + "/run"})),
      containers_(store_),
      id_(ContainerId::random()) {
    (void)containers_.create(config_for(id_));
    run_ = containers_.run_dir(id_);
    const std::string image = dir_.path() + "/image";
    fs::create_directories(image + "/bin");
    fs::copy_file("/bin/busybox", image + "/bin/busybox");
    for (const char* name : applets) fs::create_symlink("busybox", image + "/bin/" + name);
    for (const char* name : {"/upper", "/work"}) fs::create_directory(dir_.path() + name);
    job.id = id_.str();
    job.data_root = dir_.path() + "/data";
    job.run_root = dir_.path() + "/run";
    job.cgroup_path = "/kist-test-" + id_.str();
    job.spec = spec_for(script, job.cgroup_path);
    job.root = {.kind = oci::RootMount::Kind::overlay,
                .path = {},
                .lower = {image},
                .upper = dir_.path() + "/upper",
                .work = dir_.path() + "/work",
                .options = {}};
    job.log.path = dir_.path() + "/data/containers/" + id_.str() + "/log";
}

Monitored::~Monitored() {
    const auto group = oci::Cgroup::open(oci::CgroupHost::detect(), job.cgroup_path);
    group.kill_all();
    (void)group.remove();
}

SpawnedMonitor Monitored::spawn(std::uint8_t attach, bool adopt) {
    write_atomically(run_, std::string(job_file), dump_job(job), Durability::volatile_);
    SpawnOptions options;
    options.program = KIST_MONITOR;
    options.container_id = id_.str();
    options.attach = attach;
    options.adopt = adopt;
    return spawn_monitor(run_, options);
}

SpawnedMonitor Monitored::start(std::uint8_t attach) {
    SpawnedMonitor monitor = spawn(attach);
    if (!monitor.wait_started()) throw Error("the container has ended at once");
    return monitor;
}

storage::ContainerState Monitored::state() const {
    return storage::parse_state(read_file(run_, "state.json", 1 << 20), "state.json");
}

std::string Monitored::log() const {
    std::string all;
    LogReader reader(job.log.path, {});
    reader.read([&](const LogRecord& record) {
        all += record.text;
        return true;
    });
    return all;
}

ControlClient Monitored::control() const {
    auto client = ControlClient::connect(run_);
    if (!client) throw Error("no monitor listens");
    return std::move(*client);
}

Monitored::Output Monitored::read_until_exit(PacketSocket& socket) {
    Output output;
    PacketView packet;
    while (socket.receive(packet) == PacketSocket::Result::packet) {
        if (packet.type == Packet::stdout_data) output.out += packet.payload;
        if (packet.type == Packet::stderr_data) output.err += packet.payload;
        if (packet.type == Packet::exited) {
            output.code = static_cast<int>(parse_unsigned(packet.payload).value());
            break;
        }
    }
    return output;
}

} // namespace kist::monitor::test
