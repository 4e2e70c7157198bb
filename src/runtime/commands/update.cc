// SPDX-License-Identifier: Apache-2.0
// kist-oci update: other limits for a container that exists.
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/size.hh"
#include "base/text.hh"
#include "oci/run/systemd_scope.hh"
#include "runtime/command.hh"

namespace kist::runtime::command {
namespace {

struct Update {
    std::optional<std::int64_t> cpu_period, cpu_quota, cpu_share, pids_limit;
    std::string cpuset_cpus, cpuset_mems;
    std::string memory, memory_reservation, memory_swap;
    std::string resources;
};
constexpr auto options = cli::sorted(std::to_array<cli::Option<Update>>({
    {{"cpu-period", "MICROSECONDS", "Length of a period of processor time"}, &Update::cpu_period},
    {{"cpu-quota", "MICROSECONDS", "Processor time in a period; -1 is no limit"}, &Update::cpu_quota},
    {{"cpu-share", "NUMBER", "Share of processor time beside other containers"}, &Update::cpu_share},
    {{"cpuset-cpus", "LIST", "Processors that may be used"}, &Update::cpuset_cpus},
    {{"cpuset-mems", "LIST", "Memory nodes that may be used"}, &Update::cpuset_mems},
    {{"memory", "BYTES", "Memory; -1 is no limit"}, &Update::memory},
    {{"memory-reservation", "BYTES", "Memory that is left to the container when it is scarce"},
     &Update::memory_reservation},
    {{"memory-swap", "BYTES", "Memory and swap together; -1 is no limit"}, &Update::memory_swap},
    {{"pids-limit", "NUMBER", "Processes; -1 is no limit"}, &Update::pids_limit},
    {{"r,resources", "FILE", "Limits as JSON, like linux.resources of config.json; - is standard input",
      cli::Completes::file},
     &Update::resources},
}));

constexpr std::size_t resources_limit = 1u << 20;

std::optional<std::int64_t> bytes_of(std::string_view option, const std::string& text) {
    if (text.empty()) return std::nullopt;
    if (text == "-1") return -1;
    const auto bytes = parse_bytes(text);
    if (!bytes) throw UsageError("invalid value '{}' for --{}: expected a size like 64m", printable(text), option);
    return *bytes;
}

oci::Resources from_options(const Update& given) {
    oci::Resources wanted;
    oci::MemoryLimits memory;
    memory.limit = bytes_of("memory", given.memory);
    memory.reservation = bytes_of("memory-reservation", given.memory_reservation);
    memory.swap = bytes_of("memory-swap", given.memory_swap);
    if (memory != oci::MemoryLimits{}) wanted.memory = memory;
    oci::CpuLimits cpu;
    cpu.quota = given.cpu_quota;
    const auto positive = [](std::string_view option,
                             std::optional<std::int64_t> value) -> std::optional<std::uint64_t> {
        if (value && *value < 0) throw UsageError("invalid value '{}' for --{}: expected a number", *value, option);
        return value ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
    };
    cpu.period = positive("cpu-period", given.cpu_period);
    cpu.shares = positive("cpu-share", given.cpu_share);
    cpu.cpus = given.cpuset_cpus;
    cpu.mems = given.cpuset_mems;
    if (cpu != oci::CpuLimits{}) wanted.cpu = cpu;
    if (given.pids_limit) wanted.pids = oci::PidsLimits{*given.pids_limit};
    return wanted;
}

oci::Resources from_file(const std::string& path) {
    const std::string where = path == "-" ? "standard input" : path;
    const std::string text =
        path == "-" ? read_all(Fd(::dup(STDIN_FILENO)), resources_limit, where) : read_file(path, resources_limit);
    return from_value<oci::Resources>(json::parse(text, where), where);
}

/// v2 has quota and period in one file, which cannot be given a period alone; systemd counts the quota by the second, and so needs both.
void keep_other_half(const oci::CgroupHost& host, const oci::Cgroup& cgroup, oci::Resources& wanted) {
    if (!wanted.cpu) return;
    const bool quota = wanted.cpu->quota.value_or(0) != 0, period = wanted.cpu->period.value_or(0) != 0;
    if (quota == period) return;
    for (const oci::CgroupWrite& now : cgroup.current(oci::plan_cgroup(host, wanted))) {
        if (now.file != "cpu.max") continue;
        const auto [old_quota, old_period] = split_once(now.value, ' ');
        if (period) wanted.cpu->quota = parse_signed(old_quota).value_or(-1);
        else wanted.cpu->period = parse_unsigned(old_period.value_or(""));
    }
}

int update_container(const Call& call) {
    Update given;
    const std::string id = parse_into(given, options, call).front();
    const Store store = call.store();
    const Container container = store.open(id);
    const Status status = container.status();
    if (status == Status::stopped || status == Status::creating)
        throw Error("cannot update container '{}': it is {}", id, name_of(status));
    oci::Resources wanted = given.resources.empty() ? from_options(given) : from_file(given.resources);
    // rules cannot be changed in a container that runs: engines send them along as they were
    wanted.devices.clear();
    if (wanted.memory && wanted.memory->check_before_update.value_or(false) && wanted.memory->limit) {
        const std::uint64_t used = container.cgroup().stats().memory_usage;
        if (*wanted.memory->limit >= 0 && used > static_cast<std::uint64_t>(*wanted.memory->limit))
            throw Error("cannot update container '{}': it uses {} bytes of memory, more than the new limit of {}", id,
                        used, *wanted.memory->limit);
    }
    const auto host = oci::CgroupHost::detect();
    const FileLock lock = container.lock();
    oci::Cgroup cgroup = container.cgroup();
    if (wanted.cpu && (!wanted.cpu->cpus.empty() || !wanted.cpu->mems.empty())) cgroup.add_cpuset(host);
    keep_other_half(host, cgroup, wanted);
    const auto writes = oci::plan_cgroup(host, wanted);
    if (const std::string& scope = container.record().scope; !scope.empty()) oci::update_scope(scope, writes);
    cgroup.apply(writes);
    return 0;
}

} // namespace

const Command update{.name = "update",
                     .summary = "Change the limits of a container",
                     .usage = "ID",
                     .options = cli::facts_of<options>,
                     .run = update_container};

} // namespace kist::runtime::command
