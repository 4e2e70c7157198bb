// SPDX-License-Identifier: Apache-2.0
// What a container has used, read from wherever this host keeps each controller. A file that is not
// there counts as 0: statistics are for looking at, their absence is no failure.
#include <algorithm>

#include "base/text.hh"
#include "oci/run/cgroup.hh"
#include "oci/run/cgroup_files.hh"

namespace kist::oci {

namespace {

std::uint64_t number_in(std::string_view text) { return parse_unsigned(trim(text)).value_or(0); }

std::uint64_t read_number(const std::string& file) { return number_in(cgroup_files::read(file).value_or("")); }

/// 0 for no limit: "max" on v2, and on v1 the largest multiple of a page that fits.
std::uint64_t read_limit(const std::string& file) {
    const std::uint64_t limit = read_number(file);
    return limit > (std::uint64_t{1} << 62) ? 0 : limit;
}

/// The value behind `key` in lines of "key value".
std::uint64_t keyed(std::string_view text, std::string_view key) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, end - at);
        if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ')
            return number_in(line.substr(key.size()));
        at = end + 1;
    }
    return 0;
}

void cpu_v1(const std::string& folder, CgroupStats& stats) {
    stats.cpu_usage_ns = read_number(folder + "/cpuacct.usage");
    stats.cpu_user_ns = read_number(folder + "/cpuacct.usage_user");
    stats.cpu_system_ns = read_number(folder + "/cpuacct.usage_sys");
}
void cpu_v2(const std::string& folder, CgroupStats& stats) {
    const std::string text = cgroup_files::read(folder + "/cpu.stat").value_or("");
    stats.cpu_usage_ns = keyed(text, "usage_usec") * 1000;
    stats.cpu_user_ns = keyed(text, "user_usec") * 1000;
    stats.cpu_system_ns = keyed(text, "system_usec") * 1000;
}

void memory_v1(const std::string& folder, CgroupStats& stats) {
    stats.memory_usage = read_number(folder + "/memory.usage_in_bytes");
    stats.memory_limit = read_limit(folder + "/memory.limit_in_bytes");
    stats.memory_peak = read_number(folder + "/memory.max_usage_in_bytes");
    stats.memory_cache = keyed(cgroup_files::read(folder + "/memory.stat").value_or(""), "total_inactive_file");
    stats.oom_kills = keyed(cgroup_files::read(folder + "/memory.oom_control").value_or(""), "oom_kill");
}
void memory_v2(const std::string& folder, CgroupStats& stats) {
    stats.memory_usage = read_number(folder + "/memory.current");
    stats.memory_limit = read_limit(folder + "/memory.max");
    stats.memory_peak = read_number(folder + "/memory.peak");
    stats.memory_cache = keyed(cgroup_files::read(folder + "/memory.stat").value_or(""), "inactive_file");
    stats.oom_kills = keyed(cgroup_files::read(folder + "/memory.events").value_or(""), "oom_kill");
}

/// Lines of "8:0 Read 4096" and a closing "Total".
void io_v1(const std::string& folder, CgroupStats& stats) {
    const auto text = cgroup_files::read(folder + "/blkio.throttle.io_service_bytes_recursive");
    for (const std::string& line : split(text.value_or(""), '\n')) {
        const auto words = split(line, ' ');
        if (words.size() != 3) continue;
        if (words[1] == "Read") stats.io_read_bytes += number_in(words[2]);
        if (words[1] == "Write") stats.io_write_bytes += number_in(words[2]);
    }
}
/// Lines of "8:0 rbytes=4096 wbytes=0 rios=1 …".
void io_v2(const std::string& folder, CgroupStats& stats) {
    for (const std::string& line : split(cgroup_files::read(folder + "/io.stat").value_or(""), '\n')) {
        for (const std::string& word : split(line, ' ')) {
            if (word.starts_with("rbytes=")) stats.io_read_bytes += number_in(word.substr(7));
            if (word.starts_with("wbytes=")) stats.io_write_bytes += number_in(word.substr(7));
        }
    }
}

} // namespace

CgroupStats Cgroup::stats() const {
    CgroupStats stats;
    const std::string v2 = unified_mount_ + path_;
    auto from = [&](const char* controller, auto read_v1, auto read_v2) {
        const auto mount = v1_.find(controller);
        if (mount != v1_.end()) read_v1(v1_folder(mount->second), stats);
        else if (!unified_mount_.empty()) read_v2(v2, stats);
    };
    // pids.current and pids.max are the same in both versions.
    const auto pids = [](const std::string& folder, CgroupStats& to) {
        to.pids = read_number(folder + "/pids.current");
        to.pids_limit = read_limit(folder + "/pids.max");
    };
    from("cpuacct", cpu_v1, cpu_v2);
    from("memory", memory_v1, memory_v2);
    from("pids", pids, pids);
    from("blkio", io_v1, io_v2);
    return stats;
}

} // namespace kist::oci
