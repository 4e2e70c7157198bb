// SPDX-License-Identifier: Apache-2.0
// The documents of info and version: what scripts of Docker's users ask for, and the facts behind a bug report.
#include <fstream>
#include <map>

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.hh"
#include "base/size.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/cgroup_manager.hh"
#include "engine/hook_spec.hh"
#include "engine/image_use_cases.hh"
#include "engine/inspect_parts.hh"
#include "engine/networks.hh"
#include "engine/storage_options.hh"
#include "version.hh"

namespace kist::engine {

namespace {

using storage::Status;

utsname kernel() {
    utsname name{};
    if (::uname(&name) != 0) throw SysError("asking for the kernel's version");
    return name;
}

/// Docker's spelling of what uname calls the machine.
std::string architecture(const std::string& machine) {
    if (machine == "x86_64") return "amd64";
    if (machine == "aarch64") return "arm64";
    return machine;
}

std::string operating_system() {
    const auto text = read_file_if_exists("/etc/os-release", 64 << 10);
    for (const std::string& line : split(text.value_or(""), '\n')) {
        auto [key, value] = split_once(line, '=');
        if (key != "PRETTY_NAME" || !value) continue;
        std::string_view name = *value;
        if (name.size() >= 2 && name.front() == '"') name = name.substr(1, name.size() - 2);
        return std::string(name);
    }
    return "Linux";
}

struct Counts {
    std::int64_t all = 0, running = 0, paused = 0, stopped = 0;
};

Counts count_containers(Engine& engine) {
    Counts counts;
    for (const auto& view : engine.containers().all()) {
        ++counts.all;
        if (view.state.status == Status::paused) ++counts.paused;
        else if (is_up(view.state.status) && view.state.status != Status::initialized) ++counts.running;
        else ++counts.stopped;
    }
    return counts;
}

Value security_options() {
    Value list = Value::list();
    if (read_file_if_exists("/proc/sys/kernel/seccomp/actions_avail", 4096)) list.push("name=seccomp,profile=default");
    const std::string modules = read_file_if_exists("/sys/kernel/security/lsm", 4096).value_or("");
    for (const std::string& module : split(trim(modules), ','))
        if (module == "apparmor" || module == "selinux") list.push("name=" + module);
    list.push("name=cgroupns");
    return list;
}

void set_cgroups(Value& document, const oci::CgroupHost& host, CgroupManager manager) {
    using Kind = oci::CgroupHost::Kind;
    document.set("CgroupDriver", name_of(manager));
    document.set("CgroupVersion", host.kind == Kind::v2 ? "2" : "1");
    document.set("CgroupMode", host.kind == Kind::v2 ? "unified" : host.kind == Kind::hybrid ? "hybrid" : "legacy");
    Value controllers = Value::list();
    for (const auto& [controller, mount] : host.v1) controllers.push(controller);
    for (const std::string& controller : host.unified_controllers) controllers.push(controller);
    document.set("CgroupControllers", controllers);
}

} // namespace

namespace {

std::string file_system_name(const std::string& path) {
    struct statfs facts {};
    if (::statfs(path.c_str(), &facts) != 0) return "unknown";
    static const std::map<std::uint64_t, std::string> names = {{0xef53, "extfs"},       {0x58465342, "xfs"},
                                                               {0x9123683e, "btrfs"},   {0x01021994, "tmpfs"},
                                                               {0x794c7630, "overlay"}, {0x6969, "nfs"}};
    const auto found = names.find(static_cast<std::uint64_t>(facts.f_type));
    return found != names.end() ? found->second : fmt::format("{:#x}", facts.f_type);
}

/// Pairs, as Docker shows them: what containers made from now on get.
Value driver_status(Engine& engine) {
    Value status = Value::list();
    const auto add = [&](const std::string& name, const std::string& value) {
        status.push(to_value(std::vector<std::string>{name, value}));
    };
    const std::string& driver = engine.store().driver();
    add("Backing Filesystem", file_system_name(engine.store().paths().data_root));
    if (driver != "overlay") return status;
    const StorageOptions options = parse_storage_options(engine.config().storage_opts, driver);
    for (const std::string& option : overlay_options(options)) {
        const auto [name, value] = split_once(option, '=');
        add(name, value.value_or("true"));
    }
    if (options.size != 0) add("size", human_size(static_cast<double>(options.size)));
    return status;
}

} // namespace

Value info(Engine& engine) {
    const Counts counts = count_containers(engine);
    const utsname name = kernel();
    struct sysinfo memory {};
    ::sysinfo(&memory);
    Value document = Value::object();
    document.set("Containers", counts.all);
    document.set("ContainersRunning", counts.running);
    document.set("ContainersPaused", counts.paused);
    document.set("ContainersStopped", counts.stopped);
    document.set("Images", static_cast<std::int64_t>(engine.images().all().size()));
    document.set("Driver", engine.store().driver());
    document.set("DriverStatus", driver_status(engine));
    document.set("KistRootDir", engine.store().paths().data_root);
    document.set("DockerRootDir", engine.store().paths().data_root);
    document.set("HooksDir", hooks_folder(engine.store().paths().data_root));
    document.set("RunRoot", engine.store().paths().run_root);
    document.set("LoggingDriver", engine.config().log_driver);
    set_cgroups(document, engine.cgroups(), cgroup_manager_of(engine.config().exec_opts));
    document.set("SecurityOptions", security_options());
    document.set("KernelVersion", name.release);
    document.set("OperatingSystem", operating_system());
    document.set("OSType", "linux");
    document.set("Architecture", name.machine);
    document.set("NCPU", static_cast<std::int64_t>(::sysconf(_SC_NPROCESSORS_ONLN)));
    document.set("MemTotal", static_cast<std::int64_t>(memory.totalram) * static_cast<std::int64_t>(memory.mem_unit));
    document.set("Name", name.nodename);
    document.set("SystemTime", to_rfc3339(Moment::now()));
    document.set("ServerVersion", KIST_VERSION);
    document.set("DefaultRuntime", "kist");
    document.set("Debug", engine.config().debug);
    document.set("Warnings", list_value(network_warnings()));
    return document;
}

Value version() {
    const utsname name = kernel();
    Value client = Value::object();
    client.set("Version", KIST_VERSION);
    client.set("Os", "linux");
    client.set("Arch", architecture(name.machine));
    client.set("OsArch", "linux/" + architecture(name.machine));
    client.set("KernelVersion", name.release);
    Value document = Value::object();
    // There is no server: scripts that ask for its version get that of the one program there is.
    document.set("Client", client);
    document.set("Server", client);
    return document;
}

} // namespace kist::engine
