// SPDX-License-Identifier: Apache-2.0
#include "engine/stats.hh"

#include <sys/sysinfo.h>

#include "base/size.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/containers.hh"
#include "engine/spec_plan.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::Status;
using Clock = std::chrono::steady_clock;

bool has_processes(const ContainerView& view) {
    const Status status = view.state.status;
    return status == Status::running || status == Status::paused || status == Status::stopping;
}

std::uint64_t host_memory() {
    struct sysinfo host {};
    return ::sysinfo(&host) == 0 ? std::uint64_t{host.totalram} * host.mem_unit : 0;
}

/// Who shares the host's or another container's network has no traffic of his own.
NetworkUse network_use(const ContainerView& view) {
    const std::string& mode = view.config.namespaces.network;
    if (mode == "host" || mode.starts_with("container:") || mode.starts_with("ns:") || view.state.pid == 0) return {};
    try {
        const auto text = read_file_if_exists(fmt::format("/proc/{}/net/dev", view.state.pid), 1u << 20);
        return text ? parse_network_use(*text) : NetworkUse{};
    } catch (const SysError&) { // it has ended
        return {};
    }
}

std::string percent(double value) { return fmt::format("{:.2f}%", value); }

std::string binary_size(std::uint64_t bytes) { return human_bytes_binary(static_cast<double>(bytes)); }

std::string pair_of(std::uint64_t in, std::uint64_t out) {
    constexpr int digits = 3;
    return human_size(static_cast<double>(in), digits) + " / " + human_size(static_cast<double>(out), digits);
}

std::int64_t age_ns(const ContainerView& view) {
    return std::max<std::int64_t>(1, Moment::now().ns - view.state.started_at);
}

void set_memory(Value& row, const oci::CgroupStats& stats, std::uint64_t host) {
    // Without the cache that the kernel would give up first (SEEDS A191).
    const std::uint64_t used = stats.memory_usage - std::min(stats.memory_usage, stats.memory_cache);
    const std::uint64_t limit = stats.memory_limit == 0 ? host : std::min(host, stats.memory_limit);
    const double part = limit == 0 ? 0 : 100.0 * static_cast<double>(used) / static_cast<double>(limit);
    row.set("MemUsage", binary_size(used) + " / " + binary_size(limit));
    row.set("MemPerc", percent(part));
    row.set("MemUsageBytes", used);
    row.set("MemLimit", limit);
    row.set("MemPeak", stats.memory_peak);
}

} // namespace

NetworkUse parse_network_use(std::string_view text) {
    constexpr std::size_t received = 0, sent = 8, columns = 16;
    NetworkUse use;
    for (const std::string& line : split(text, '\n')) {
        const auto [device, counters] = split_once(line, ':');
        if (!counters || trim(device) == "lo") continue;
        std::vector<std::string> numbers = split(trim(*counters), ' ');
        std::erase(numbers, "");
        if (numbers.size() < columns) continue;
        use.received += parse_unsigned(numbers[received]).value_or(0);
        use.sent += parse_unsigned(numbers[sent]).value_or(0);
    }
    return use;
}

std::vector<ContainerView> StatsWatch::views() const {
    std::vector<ContainerView> found;
    if (options_.ids.empty()) {
        ListOptions list;
        list.all = options_.all;
        found = engine::list(engine_, list);
        if (!options_.all) std::erase_if(found, [](const ContainerView& view) { return !has_processes(view); });
        return found;
    }
    for (const ContainerId& id : options_.ids)
        if (auto view = engine_.containers().view(id)) found.push_back(std::move(*view));
    return found;
}

double StatsWatch::cpu_percent(const ContainerView& view, std::uint64_t cpu_ns) {
    const Look look{cpu_ns, Clock::now()};
    now_[view.config.id] = look;
    double used = static_cast<double>(cpu_ns);
    auto passed = static_cast<double>(age_ns(view));
    const auto before = before_.find(view.config.id);
    // A container that was started anew counts from 0 again.
    if (before != before_.end() && before->second.cpu_ns <= cpu_ns && before->second.time < look.time) {
        used = static_cast<double>(cpu_ns - before->second.cpu_ns);
        passed = static_cast<double>(std::chrono::nanoseconds(look.time - before->second.time).count());
    }
    return 100.0 * used / passed;
}

Value StatsWatch::row(const ContainerView& view) {
    const bool runs = has_processes(view) && view.damage.empty();
    oci::CgroupStats stats;
    NetworkUse network;
    if (runs) {
        stats = oci::Cgroup::open(engine_.cgroups(), cgroup_path(view.config)).stats();
        network = network_use(view);
    }
    const double cpu = runs ? cpu_percent(view, stats.cpu_usage_ns) : 0;
    const double average =
        runs ? 100.0 * static_cast<double>(stats.cpu_usage_ns) / static_cast<double>(age_ns(view)) : 0;
    constexpr std::size_t short_length = 12;
    const std::string id = options_.no_trunc ? view.config.id : view.config.id.substr(0, short_length);
    Value row = Value::object();
    row.set("ID", id);
    row.set("Container", id);
    row.set("Name", view.config.name);
    row.set("CPUPerc", percent(cpu));
    row.set("AvgCPU", percent(average));
    row.set("CPUNano", stats.cpu_usage_ns);
    row.set("SystemNano", stats.cpu_system_ns);
    set_memory(row, stats, runs ? host_memory() : 0);
    row.set("NetIO", pair_of(network.received, network.sent));
    row.set("NetInput", network.received);
    row.set("NetOutput", network.sent);
    row.set("BlockIO", pair_of(stats.io_read_bytes, stats.io_write_bytes));
    row.set("BlockInput", stats.io_read_bytes);
    row.set("BlockOutput", stats.io_write_bytes);
    row.set("PIDs", std::to_string(stats.pids));
    row.set("UpTime", to_go_duration(std::chrono::nanoseconds(runs ? age_ns(view) : 0)));
    return row;
}

std::vector<Value> StatsWatch::look() {
    std::vector<Value> rows;
    for (const ContainerView& view : views()) rows.push_back(row(view));
    before_ = std::exchange(now_, {});
    return rows;
}

} // namespace kist::engine
