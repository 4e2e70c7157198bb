// SPDX-License-Identifier: Apache-2.0
// Memory, CPU and process limits, checked by Docker's rules and with its words.
#include <cmath>

#include <unistd.h>

#include "base/file.hh"
#include "base/size.hh"
#include "base/text.hh"
#include "engine/cgroup_manager.hh"
#include "engine/create_parts.hh"

namespace kist::engine {

namespace {

using storage::ResourceConfig;

std::int64_t parse_size(std::string_view option, const std::string& text) {
    if (text.empty()) return 0;
    auto bytes = parse_bytes(text);
    if (!bytes) throw UsageError("invalid {} '{}': it is a size like 64m or 1.5g", option, printable(text));
    return *bytes;
}

/// "1.5" in 1e-9 of a CPU.
std::int64_t parse_cpus(const std::string& text) {
    if (text.empty()) return 0;
    auto [whole, fraction] = split_once(text, '.');
    std::string digits = fraction.value_or("");
    if (digits.size() > 9 || (whole.empty() && digits.empty()))
        throw UsageError("invalid --cpus '{}': it is a decimal number with at most 9 digits after the point",
                         printable(text));
    digits.resize(9, '0');
    auto units = whole.empty() ? std::optional<std::uint64_t>(0) : parse_unsigned(whole, 1'000'000);
    auto rest = parse_unsigned(digits);
    if (!units || !rest) throw UsageError("invalid --cpus '{}': it is a number like 1.5", printable(text));
    return static_cast<std::int64_t>(*units * 1'000'000'000u + *rest);
}

/// "0-3,7" as a set of numbers below 8192; throws for another grammar.
std::vector<bool> parse_cpuset(std::string_view option, const std::string& text) {
    std::vector<bool> set;
    for (const std::string& part : split(text, ',')) {
        auto [from_text, to_text] = split_once(part, '-');
        auto from = parse_unsigned(from_text, 8191);
        auto to = to_text ? parse_unsigned(*to_text, 8191) : from;
        if (!from || !to || *from > *to) throw UsageError("invalid value '{}' for {}", printable(text), option);
        if (set.size() <= *to) set.resize(*to + 1);
        for (auto i = *from; i <= *to; ++i) set[i] = true;
    }
    return set;
}

void check_cpuset(std::string_view option, std::string_view what, const std::string& text,
                  const std::string& online_file) {
    if (text.empty()) return;
    std::vector<bool> asked = parse_cpuset(option, text);
    auto online_text = read_file_if_exists(online_file, 4096);
    if (!online_text) return;
    std::string online(trim(*online_text));
    std::vector<bool> available = parse_cpuset(online_file, online);
    for (std::size_t i = 0; i < asked.size(); ++i)
        if (asked[i] && (i >= available.size() || !available[i]))
            throw UsageError("requested {} are not available - requested {}, available: {}", what, text, online);
}

void check_memory(const ResourceConfig& r) {
    constexpr std::int64_t least = 6 << 20;
    if (r.memory < 0 || (r.memory > 0 && r.memory < least)) throw UsageError("minimum memory limit allowed is 6MB");
    if (r.memory_swap != 0 && r.memory_swap != -1) {
        if (r.memory == 0) throw UsageError("you should always set the memory limit when using a memoryswap limit");
        if (r.memory_swap < r.memory)
            throw UsageError(
                "minimum memoryswap limit should be larger than the memory limit: it is the sum of memory and swap");
    }
    if (r.memory_reservation < 0) throw UsageError("the memory reservation can't be negative");
    if (r.memory_reservation > 0 && r.memory > 0 && r.memory < r.memory_reservation)
        throw UsageError("minimum memory limit can not be less than the memory reservation limit");
}

void check_cpu(const ResourceConfig& r) {
    if (r.nano_cpus > 0 && r.cpu_period != 0) throw UsageError("conflicting options: --cpus and --cpu-period");
    if (r.nano_cpus > 0 && r.cpu_quota != 0) throw UsageError("conflicting options: --cpus and --cpu-quota");
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (r.nano_cpus != 0 && (r.nano_cpus < 10'000'000 || r.nano_cpus > count * 1'000'000'000L))
        throw UsageError("range of CPUs is from 0.01 to {}.00, as there are only {} CPUs available", count, count);
    if (r.cpu_shares < 0)
        throw UsageError("invalid CPU shares ({}): the value must be a positive integer", r.cpu_shares);
    if (r.cpu_period != 0 && (r.cpu_period < 1000 || r.cpu_period > 1'000'000))
        throw UsageError("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
    if (r.cpu_quota != 0 && r.cpu_quota != -1 && r.cpu_quota < 1000)
        throw UsageError("CPU cfs quota can not be less than 1ms (i.e. 1000)");
    check_cpuset("--cpuset-cpus", "CPUs", r.cpuset_cpus, "/sys/devices/system/cpu/online");
    check_cpuset("--cpuset-mems", "memory nodes", r.cpuset_mems, "/sys/devices/system/node/online");
}

/// The host's default is a path; systemd's own slice for everything takes its place.
std::string cgroup_parent(const CreateInput& in) {
    std::vector<std::string> exec_opts = in.host.exec_opts;
    exec_opts.insert(exec_opts.end(), in.options.exec_opts.begin(), in.options.exec_opts.end());
    const CgroupManager manager = cgroup_manager_of(exec_opts);
    const std::string& asked = in.options.cgroup_parent;
    if (!asked.empty()) return clean_cgroup_parent(manager, asked);
    const bool is_default = in.host.cgroup_parent == HostConfig().cgroup_parent;
    return clean_cgroup_parent(
        manager, manager == CgroupManager::systemd && is_default ? "system.slice" : in.host.cgroup_parent);
}

} // namespace

void check_resources(const ResourceConfig& r, const std::function<void(const std::string&)>& warn) {
    check_memory(r);
    check_cpu(r);
    if (r.pids_limit && *r.pids_limit < -1)
        throw UsageError("invalid --pids-limit {}: -1 and 0 are unlimited", *r.pids_limit);
    if (r.oom_kill_disable && r.memory == 0)
        warn(
            "OOM killer is disabled for the container, but no memory limit is set, this can result in the system "
            "running "
            "out of resources");
}

void set_limits(const LimitOptions& options, ResourceConfig& r) {
    if (!options.memory.empty()) r.memory = parse_size("--memory", options.memory);
    if (!options.memory_reservation.empty())
        r.memory_reservation = parse_size("--memory-reservation", options.memory_reservation);
    if (options.memory_swap == "-1") r.memory_swap = -1;
    else if (!options.memory_swap.empty()) r.memory_swap = parse_size("--memory-swap", options.memory_swap);
    if (!options.cpus.empty()) r.nano_cpus = parse_cpus(options.cpus);
    if (options.cpu_shares) r.cpu_shares = *options.cpu_shares;
    if (options.cpu_period) r.cpu_period = *options.cpu_period;
    if (options.cpu_quota) r.cpu_quota = *options.cpu_quota;
    if (!options.cpuset_cpus.empty()) r.cpuset_cpus = options.cpuset_cpus;
    if (!options.cpuset_mems.empty()) r.cpuset_mems = options.cpuset_mems;
    if (options.pids_limit) r.pids_limit = options.pids_limit;
}

void interpret_resources(const CreateInput& in, storage::ContainerConfig& config) {
    const auto& options = in.options;
    ResourceConfig& r = config.resources;
    set_limits(options, r);
    r.oom_kill_disable = options.oom_kill_disable;
    check_resources(r, in.warn);
    config.oom_score_adj = options.oom_score_adj;
    if (config.oom_score_adj && (*config.oom_score_adj < -1000 || *config.oom_score_adj > 1000))
        throw UsageError("invalid value {}, range for oom score adj is [-1000, 1000]", *config.oom_score_adj);
    config.cgroup_parent = cgroup_parent(in);
}

} // namespace kist::engine
