// SPDX-License-Identifier: Apache-2.0
// sched_setattr(2), ioprio_set(2), sched_setaffinity(2), personality(2).
#include "oci/run/scheduling.hh"

#include <array>
#include <string_view>
#include <utility>

#include <sched.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

template <typename Table>
std::uint32_t number_of(const Table& table, const std::string& word, std::string_view where) {
    for (const auto& [name, number] : table)
        if (name == word) return static_cast<std::uint32_t>(number);
    throw Error("{}: unknown word '{}'", where, printable(word));
}

using Words = std::pair<std::string_view, int>;
constexpr auto policies = std::to_array<Words>({{"SCHED_OTHER", 0},
                                                {"SCHED_FIFO", 1},
                                                {"SCHED_RR", 2},
                                                {"SCHED_BATCH", 3},
                                                {"SCHED_ISO", 4},
                                                {"SCHED_IDLE", 5},
                                                {"SCHED_DEADLINE", 6}});
constexpr auto policy_flags = std::to_array<Words>({{"SCHED_FLAG_RESET_ON_FORK", 0x01},
                                                    {"SCHED_FLAG_RECLAIM", 0x02},
                                                    {"SCHED_FLAG_DL_OVERRUN", 0x04},
                                                    {"SCHED_FLAG_KEEP_POLICY", 0x08},
                                                    {"SCHED_FLAG_KEEP_PARAMS", 0x10},
                                                    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
                                                    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}});
// linux/ioprio.h is no C++: it has a parameter named "class".
constexpr int io_class_shift = 13, io_priority_who_process = 1;
constexpr auto io_classes =
    std::to_array<Words>({{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}});
constexpr auto domains = std::to_array<Words>({{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}});

/// Version 0 of the kernel's struct; glibc 2.36 does not have it.
struct SchedAttributes {
    std::uint32_t size = sizeof(SchedAttributes);
    std::uint32_t policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0, deadline = 0, period = 0;
};

SchedAttributes attributes_of(const Scheduler& wanted) {
    SchedAttributes attributes;
    attributes.policy = number_of(policies, wanted.policy, "process.scheduler.policy");
    for (const std::string& flag : wanted.flags)
        attributes.flags |= number_of(policy_flags, flag, "process.scheduler.flags");
    if (wanted.nice < -20 || wanted.nice > 19) throw Error("process.scheduler.nice: expected a number from -20 to 19");
    if (wanted.priority < 0 || wanted.priority > 99)
        throw Error("process.scheduler.priority: expected a number from 0 to 99");
    attributes.nice = wanted.nice;
    attributes.priority = static_cast<std::uint32_t>(wanted.priority);
    attributes.runtime = wanted.runtime;
    attributes.deadline = wanted.deadline;
    attributes.period = wanted.period;
    return attributes;
}

int io_priority_of(const IoPriority& wanted) {
    const std::uint32_t klass = number_of(io_classes, wanted.klass, "process.ioPriority.class");
    if (wanted.priority < 0 || wanted.priority > 7)
        throw Error("process.ioPriority.priority: expected a number from 0 to 7");
    return static_cast<int>(klass) << io_class_shift | wanted.priority;
}

cpu_set_t cpus_of(const std::string& list) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const std::string& part : split(list, ',')) {
        const auto [from_text, to_text] = split_once(std::string(trim(part)), '-');
        const auto from = parse_unsigned(from_text, CPU_SETSIZE - 1);
        const auto to = to_text ? parse_unsigned(*to_text, CPU_SETSIZE - 1) : from;
        if (!from || !to || *from > *to)
            throw Error("process.execCPUAffinity: '{}' is no list of processors", printable(list));
        for (auto cpu = *from; cpu <= *to; ++cpu) CPU_SET(cpu, &set);
    }
    return set;
}

} // namespace

void check_scheduling(const Process& process) {
    if (process.scheduler) (void)attributes_of(*process.scheduler);
    if (process.io_priority) (void)io_priority_of(*process.io_priority);
    if (!process.exec_cpu_affinity) return;
    (void)cpus_of(process.exec_cpu_affinity->initial);
    (void)cpus_of(process.exec_cpu_affinity->final);
}

void check_personality(const Personality& personality) {
    (void)number_of(domains, personality.domain, "linux.personality.domain");
    if (!personality.flags.empty()) throw Error("linux.personality.flags: no flag is known");
}

void set_scheduling(const Process& process) {
    if (process.scheduler) {
        SchedAttributes attributes = attributes_of(*process.scheduler);
        if (::syscall(SYS_sched_setattr, 0, &attributes, 0) < 0)
            throw SysError("setting the scheduler '{}'", process.scheduler->policy);
    }
    if (process.io_priority) {
        const int priority = io_priority_of(*process.io_priority);
        if (::syscall(SYS_ioprio_set, io_priority_who_process, 0, priority) < 0)
            throw SysError("setting the I/O priority '{}'", process.io_priority->klass);
    }
}

void set_cpu_affinity(const std::string& list) {
    if (list.empty()) return;
    const cpu_set_t set = cpus_of(list);
    if (::sched_setaffinity(0, sizeof set, &set) < 0) throw SysError("running on the processors '{}'", list);
}

void set_personality(const Personality& wanted) {
    check_personality(wanted);
    const auto domain = number_of(domains, wanted.domain, "linux.personality.domain");
    if (::personality(domain) < 0) throw SysError("setting the execution domain '{}'", wanted.domain);
}

} // namespace kist::oci
