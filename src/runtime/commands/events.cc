// SPDX-License-Identifier: Apache-2.0
// kist-oci events: resource use, once or at intervals, and the kills of the out-of-memory killer, a JSON object a line.
#include <chrono>

#include <poll.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "cli/output.hh"
#include "runtime/command.hh"

namespace kist::runtime::command {
namespace {

struct Events {
    std::string interval = "5s";
    bool stats = false;
};
constexpr auto options = cli::sorted(std::to_array<cli::Option<Events>>({
    {{"interval", "DURATION", "Time between two lines of use (default 5s)"}, &Events::interval},
    {{"stats", "", "Print the use once and end"}, &Events::stats},
}));

Value object(std::initializer_list<std::pair<const char*, Value>> members) {
    Value value = Value::object();
    for (const auto& [name, member] : members) value.set(name, member);
    return value;
}

Value data_of(const oci::CgroupStats& stats) {
    Value usage = object({{"total", stats.cpu_usage_ns}, {"kernel", stats.cpu_system_ns}, {"user", stats.cpu_user_ns}});
    Value memory =
        object({{"cache", stats.memory_cache},
                {"usage",
                 object({{"limit", stats.memory_limit}, {"usage", stats.memory_usage}, {"max", stats.memory_peak}})}});
    Value io = Value::list();
    io.push(object({{"op", "read"}, {"value", stats.io_read_bytes}}));
    io.push(object({{"op", "write"}, {"value", stats.io_write_bytes}}));
    return object({{"cpu", object({{"usage", usage}})},
                   {"memory", memory},
                   {"pids", object({{"current", stats.pids}, {"limit", stats.pids_limit}})},
                   {"blkio", object({{"ioServiceBytesRecursive", io}})}});
}

void print_event(const Container& container, const char* type, std::optional<Value> data) {
    Value event = object({{"type", type}, {"id", container.id()}});
    if (data) event.set("data", *data);
    cli::print_line(json::dump(event));
}

void print_use(const Container& container) { print_event(container, "stats", data_of(container.cgroup().stats())); }

/// Until the container ends. The killer's work shows in a counter, which is looked at each second.
void follow(const Container& container, std::chrono::milliseconds interval) {
    using Clock = std::chrono::steady_clock;
    constexpr auto look = std::chrono::milliseconds(1000);
    std::uint64_t kills = container.cgroup().stats().oom_kills;
    auto next = Clock::now();
    pollfd end{container.process()->get(), POLLIN, 0};
    while (::poll(&end, 1, static_cast<int>(std::min(look, interval).count())) == 0) {
        const oci::CgroupStats stats = container.cgroup().stats();
        for (; kills < stats.oom_kills; ++kills) print_event(container, "oom", std::nullopt);
        if (Clock::now() < next) continue;
        print_event(container, "stats", data_of(stats));
        next += interval;
    }
}

int print_events(const Call& call) {
    Events given;
    const std::string id = parse_into(given, options, call).front();
    const auto interval = parse_duration(given.interval);
    if (!interval || interval->count() <= 0)
        throw UsageError("invalid value '{}' for --interval: expected a duration like 5s", printable(given.interval));
    const Container container = call.store().open(id);
    const Status status = container.status();
    if (!container.process()) throw Error("cannot read the use of container '{}': it is {}", id, name_of(status));
    if (given.stats) print_use(container);
    else
        follow(container,
               std::max(std::chrono::ceil<std::chrono::milliseconds>(*interval), std::chrono::milliseconds(1)));
    return 0;
}

} // namespace

const Command events{.name = "events",
                     .summary = "Print resource use and out-of-memory kills as JSON lines",
                     .usage = "ID",
                     .options = cli::facts_of<options>,
                     .run = print_events};

} // namespace kist::runtime::command
