// SPDX-License-Identifier: Apache-2.0
#include "runtime/bundle.hh"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/in_root.hh"
#include "base/json.hh"
#include "base/log.hh"
#include "base/text.hh"
#include "oci/run/capabilities.hh"
#include "oci/spec/spec_json.hh"

namespace kist::runtime {

namespace {

constexpr std::size_t config_limit = 16u << 20;

oci::DeviceRule allow(const char* type, std::optional<std::int64_t> major, std::optional<std::int64_t> minor,
                      const char* access) {
    return {.allow = true, .type = type, .major = major, .minor = minor, .access = access};
}

/// The devices that the specification promises to every container, and making nodes (which gives no access to them).
std::vector<oci::DeviceRule> rules_for_everybody() {
    return {allow("c", {}, {}, "m"), allow("b", {}, {}, "m"),   allow("c", 1, 3, "rwm"), allow("c", 1, 5, "rwm"),
            allow("c", 1, 7, "rwm"), allow("c", 1, 8, "rwm"),   allow("c", 1, 9, "rwm"), allow("c", 5, 0, "rwm"),
            allow("c", 5, 2, "rwm"), allow("c", 136, {}, "rwm")};
}

void complete_mounts(std::vector<oci::Mount>& mounts, const std::string& bundle) {
    for (oci::Mount& mount : mounts) {
        const auto is = [&](const char* word) {
            return std::find(mount.options.begin(), mount.options.end(), word) != mount.options.end();
        };
        const bool bind = mount.type == "bind" || is("bind") || is("rbind");
        if (bind && !mount.source.empty() && !mount.source.starts_with('/'))
            mount.source = clean_path(bundle + "/" + mount.source);
    }
}

/// Asked for and not to be had on this host, or by an older kernel: left out, with a word about it (config.md, "capabilities").
void keep_available(oci::Process& process) {
    if (!process.capabilities) return;
    const std::vector<std::string> available = oci::all_capabilities();
    oci::Capabilities& all = *process.capabilities;
    for (auto* set : {&all.bounding, &all.effective, &all.inheritable, &all.permitted, &all.ambient})
        std::erase_if(*set, [&](const std::string& name) {
            if (std::find(available.begin(), available.end(), name) != available.end()) return false;
            if (set == &all.bounding) log::warn("capability '{}' cannot be given on this host", printable(name));
            return true;
        });
}

std::string root_path(const oci::Spec& spec, const std::string& bundle, const std::string& where) {
    if (!spec.root || spec.root->path.empty()) throw Error("{}: root.path: expected a path", where);
    const std::string path =
        spec.root->path.starts_with('/') ? spec.root->path : clean_path(bundle + "/" + spec.root->path);
    struct stat facts {};
    if (::stat(path.c_str(), &facts) < 0) throw SysError("{}: root.path: '{}'", where, path);
    if (!S_ISDIR(facts.st_mode)) throw Error("{}: root.path: '{}' is not a folder", where, path);
    return path;
}

} // namespace

std::string absolute_path(const std::string& path) {
    if (path.starts_with('/')) return clean_path(path);
    char here[4096];
    if (::getcwd(here, sizeof here) == nullptr) throw SysError("finding the working directory");
    return clean_path(std::string(here) + "/" + path);
}

Bundle read_bundle(const std::string& path) {
    Bundle bundle;
    bundle.path = absolute_path(path);
    const std::string where = bundle.path + "/config.json";
    bundle.spec = oci::parse_spec(read_file(where, config_limit), where);
    bundle.root.path = root_path(bundle.spec, bundle.path, where);
    if (bundle.spec.process) keep_available(*bundle.spec.process);
    complete_mounts(bundle.spec.mounts, bundle.path);
    auto& rules = bundle.spec.linux_.resources.devices;
    for (oci::DeviceRule& rule : rules_for_everybody()) rules.push_back(std::move(rule));
    return bundle;
}

oci::Process read_process(const std::string& path) {
    auto process = from_value<oci::Process>(json::parse(read_file(path, config_limit), path), path);
    keep_available(process);
    return process;
}

std::string cgroup_path(const oci::Spec& spec, const std::string& id) {
    std::string path = spec.linux_.cgroups_path;
    if (path.empty()) return "/kist-oci/" + id;
    if (path.find(':') != std::string::npos)
        throw Error("linux.cgroupsPath: '{}' is for the systemd cgroup manager", path)
            .with_hint("see --systemd-cgroup");
    if (!path.starts_with('/')) path.insert(0, "/kist-oci/");
    const std::string clean = clean_path(path);
    if (clean == "/") throw Error("linux.cgroupsPath: '{}' is the root of all control groups", path);
    return clean;
}

namespace {

std::vector<oci::Mount> example_mounts() {
    return {
        {"/proc", "proc", "proc", {}},
        {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
        {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
        {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
        {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
        {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
        {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}}};
}

oci::Process example_process() {
    oci::Process process;
    process.terminal = true;
    process.args = {"sh"};
    process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
    const std::vector<std::string> few = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
    process.capabilities =
        oci::Capabilities{.bounding = few, .effective = few, .inheritable = {}, .permitted = few, .ambient = {}};
    process.rlimits = {{"RLIMIT_NOFILE", 1024, 1024}};
    process.no_new_privileges = true;
    return process;
}

} // namespace

oci::Spec example_spec() {
    using N = oci::NamespaceType;
    oci::Spec spec;
    spec.process = example_process();
    spec.root = oci::Root{"rootfs", true};
    spec.hostname = "kist";
    spec.mounts = example_mounts();
    spec.linux_.resources.devices = {{.allow = false, .type = "", .major = {}, .minor = {}, .access = "rwm"}};
    for (const N type : {N::pid, N::network, N::ipc, N::uts, N::mount, N::cgroup})
        spec.linux_.namespaces.push_back({type, ""});
    spec.linux_.masked_paths = {"/proc/acpi",
                                "/proc/asound",
                                "/proc/kcore",
                                "/proc/keys",
                                "/proc/latency_stats",
                                "/proc/timer_list",
                                "/proc/timer_stats",
                                "/proc/sched_debug",
                                "/proc/scsi",
                                "/sys/firmware",
                                "/sys/devices/virtual/powercap"};
    spec.linux_.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    return spec;
}

} // namespace kist::runtime
