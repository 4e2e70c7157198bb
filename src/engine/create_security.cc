// SPDX-License-Identifier: Apache-2.0
// --privileged, --cap-add/drop and --security-opt: the final capability list, seccomp profile, masked and read-only paths.
#include <algorithm>
#include <optional>

#include <unistd.h>

#include "base/file.hh"
#include "base/in_root.hh"
#include "base/text.hh"
#include "engine/create_parts.hh"
#include "oci/run/capabilities.hh"
#include "oci/run/seccomp.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using storage::SecurityConfig;

using Words = std::vector<std::string>;

constexpr std::size_t profile_limit = 4u << 20;

void forget_default(std::optional<Words>& list, const Words& standard) {
    if (list == standard) list.reset();
}

std::vector<std::string> base_capabilities(const HostConfig& host) {
    if (host.default_capabilities.empty()) return oci::default_capabilities();
    if (host.default_capabilities == std::vector<std::string>{"podman"})
        return oci::apply_capability_options(oci::default_capabilities(), {}, {"MKNOD", "NET_RAW", "AUDIT_WRITE"});
    return oci::apply_capability_options({}, host.default_capabilities, {});
}

std::vector<std::string> normalized(const std::vector<std::string>& names) {
    std::vector<std::string> result;
    for (const std::string& name : names) {
        auto known = oci::normalize_capability(name);
        if (!known) throw UsageError("invalid capability: '{}'", printable(name));
        result.push_back(*known);
    }
    return result;
}

void read_profile(SecurityConfig& security, const std::string& path) {
    security.seccomp = path;
    try {
        security.seccomp_profile = read_file(path, profile_limit);
    } catch (Error& e) {
        e.while_doing("opening seccomp profile");
        throw;
    }
}

void set_seccomp(SecurityConfig& security, const std::string& value) {
    security.seccomp_profile.clear();
    if (value == "unconfined") security.seccomp = "unconfined";
    else if (value == "default" || value == "builtin") security.seccomp = "default";
    else read_profile(security, value);
}

void mask(std::vector<std::string>& paths, const std::string& value) {
    for (const std::string& path : split(value, ':')) {
        if (!path.starts_with('/'))
            throw UsageError("invalid --security-opt mask={}: '{}' is not absolute", printable(value), printable(path));
        paths.push_back(clean_path(path));
    }
}

void unmask(SecurityConfig& security, const std::string& value) {
    if (to_lower(value) == "all") {
        security.masked_paths->clear();
        security.readonly_paths->clear();
        return;
    }
    for (const std::string& pattern : split(value, ':')) {
        auto fits = [&](const std::string& path) { return path == clean_path(pattern) || glob_match(pattern, path); };
        std::erase_if(*security.masked_paths, fits);
        std::erase_if(*security.readonly_paths, fits);
    }
}

void set_label(SecurityConfig& security, const std::string& value) {
    if (value != "disable" && access("/sys/fs/selinux/enforce", F_OK) != 0)
        throw Error("--security-opt label={}: SELinux is not enabled on this host", printable(value));
    if (value != "disable")
        throw UsageError("--security-opt label={}: labels are not supported by this version", printable(value));
    security.label_opts.push_back(value);
}

void set_apparmor(SecurityConfig& security, const std::string& value) {
    if (value != "unconfined" && access("/sys/kernel/security/apparmor/profiles", F_OK) != 0)
        throw Error("--security-opt apparmor={}: AppArmor is not enabled on this host", printable(value));
    security.apparmor = value;
}

bool parse_bool(const std::string& option, const std::optional<std::string>& value) {
    if (!value || *value == "true") return true;
    if (*value == "false") return false;
    throw UsageError("invalid --security-opt '{}': the value is true or false", printable(option));
}

/// "key=value", "key:value" (Docker's old form) or a lone "no-new-privileges".
std::pair<std::string, std::optional<std::string>> split_option(const std::string& option) {
    auto separator = option.find_first_of("=:");
    if (separator == option.npos) return {option, std::nullopt};
    return {option.substr(0, separator), option.substr(separator + 1)};
}

void apply_option(SecurityConfig& security, const std::string& option) {
    static const std::vector<std::string> known = {
        "no-new-privileges", "seccomp", "apparmor", "label", "mask", "unmask", "systempaths"};
    auto [key, value] = split_option(option);
    if (key == "no-new-privileges") {
        security.no_new_privileges = parse_bool(option, value);
    } else if (std::find(known.begin(), known.end(), key) == known.end()) {
        UsageError error("invalid --security-opt '{}'", printable(option));
        if (auto near = nearest(key, known); !near.empty())
            error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    } else if (!value || value->empty()) {
        throw UsageError("invalid --security-opt '{}': it needs a value", printable(option));
    } else if (key == "seccomp") {
        set_seccomp(security, *value);
    } else if (key == "apparmor") {
        set_apparmor(security, *value);
    } else if (key == "label") {
        set_label(security, *value);
    } else if (key == "mask") {
        mask(*security.masked_paths, *value);
    } else if (key == "unmask") {
        unmask(security, *value);
    } else if (*value == "unconfined") {
        unmask(security, "all");
    } else {
        throw UsageError("invalid --security-opt '{}': systempaths is only unconfined", printable(option));
    }
}

} // namespace

std::vector<std::string> default_masked_paths() {
    std::vector<std::string> paths = {"/proc/acpi",
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
    // Thermal throttling counters tell which instructions other tenants run (as moby's list does).
    const std::string cpus = "/sys/devices/system/cpu";
    if (access((cpus + "/cpu0/thermal_throttle").c_str(), F_OK) != 0) return paths;
    for (const std::string& name : Dir::open(cpus).names()) {
        std::string path = cpus + "/" + name + "/thermal_throttle";
        if (name.starts_with("cpu") && parse_unsigned(name.substr(3)) && access(path.c_str(), F_OK) == 0)
            paths.push_back(path);
    }
    return paths;
}

std::vector<std::string> default_readonly_paths() {
    return {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
}

Words capabilities_of(const SecurityConfig& security) {
    return security.capabilities ? *security.capabilities : oci::default_capabilities();
}
Words masked_paths_of(const SecurityConfig& security) {
    return security.masked_paths ? *security.masked_paths : default_masked_paths();
}
Words readonly_paths_of(const SecurityConfig& security) {
    return security.readonly_paths ? *security.readonly_paths : default_readonly_paths();
}

void interpret_security(const CreateInput& in, ContainerConfig& config) {
    SecurityConfig& security = config.security;
    security.privileged = in.options.privileged;
    security.no_new_privileges = in.host.no_new_privileges;
    security.options = in.options.security_opts;
    security.masked_paths = security.privileged ? Words{} : default_masked_paths();
    security.readonly_paths = security.privileged ? Words{} : default_readonly_paths();
    if (security.privileged) security.seccomp = "unconfined";
    else if (!in.host.seccomp_profile.empty()) set_seccomp(security, in.host.seccomp_profile);
    for (const std::string& option : in.options.security_opts) apply_option(security, option);
    security.cap_add = normalized(in.options.cap_add);
    security.cap_drop = normalized(in.options.cap_drop);
    auto base = security.privileged ? oci::all_capabilities() : base_capabilities(in.host);
    bool as_it_is = security.cap_add.empty() && security.cap_drop.empty(); // spares asking the kernel for each one
    security.capabilities = as_it_is ? base : oci::apply_capability_options(base, security.cap_add, security.cap_drop);
    // A profile of the user's is tried now, so that a mistake in it fails here and not at start.
    if (!security.seccomp_profile.empty())
        oci::resolve_profile(security.seccomp_profile, *security.capabilities, security.seccomp);
    forget_default(security.capabilities, oci::default_capabilities());
    forget_default(security.masked_paths, default_masked_paths());
    forget_default(security.readonly_paths, default_readonly_paths());
}

} // namespace kist::engine
