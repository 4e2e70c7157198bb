// SPDX-License-Identifier: Apache-2.0
// A container that does not end although it was killed: some process hangs in the kernel, or is frozen by somebody else, and
// holds its pid namespace. Who waits for the stop is told which one (SEEDS A117); the stop itself goes on.
#include <algorithm>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.hh"
#include "base/text.hh"
#include "monitor/supervisor.hh"

namespace kist::monitor {

namespace {

constexpr auto stuck_patience = std::chrono::seconds(10);
constexpr std::size_t most_named = 5;

std::string text_of(pid_t pid, const char* file) {
    try {
        return std::string(trim(read_file_if_exists(fmt::format("/proc/{}/{}", pid, file), 4096).value_or("")));
    } catch (const Error&) { // it has ended meanwhile
        return "";
    }
}

/// "4711 (sleep, state D, in nfs_wait)"; empty for one that has ended.
std::string describe(pid_t pid) {
    const std::string stat = text_of(pid, "stat");
    const auto open = stat.find('('), close = stat.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close + 2 >= stat.size()) return "";
    const char state = stat[close + 2];
    if (state == 'Z' || state == 'X') return "";
    std::string text = fmt::format("{} ({}, state {}", pid, printable(stat.substr(open + 1, close - open - 1)), state);
    const std::string channel = text_of(pid, "wchan");
    if (!channel.empty() && channel != "0") text += ", in " + channel;
    return text + ")";
}

std::optional<std::pair<dev_t, ino_t>> pid_namespace(const std::string& process) {
    struct stat facts {};
    if (::stat(("/proc/" + process + "/ns/pid").c_str(), &facts) != 0) return std::nullopt;
    return std::pair{facts.st_dev, facts.st_ino};
}

/// Of this container and of those that share its pid namespace.
std::vector<pid_t> members(const oci::Cgroup& cgroup, std::int32_t init) {
    std::vector<pid_t> found = cgroup.pids();
    const auto own = pid_namespace(std::to_string(init));
    if (!own || own == pid_namespace("self")) return found;
    for (const std::string& name : Dir::open("/proc").names()) {
        const auto pid = parse_unsigned(name, INT32_MAX);
        if (pid && pid_namespace(name) == own) found.push_back(static_cast<pid_t>(*pid));
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

} // namespace

/// After SIGKILL. Nothing else waits for this: no lock is held, and a container that ends later is recorded then.
void Supervisor::expect_end() {
    if (stuck_timer_) return;
    stuck_timer_ = loop_.after(stuck_patience, [this] {
        stuck_timer_.reset();
        tell_stuck();
    });
}

void Supervisor::tell_stuck() {
    std::vector<std::string> stuck;
    try {
        for (const pid_t pid : members(*cgroup_, state_.pid))
            if (std::string text = describe(pid); !text.empty()) stuck.push_back(std::move(text));
    } catch (const Error&) { // what could be found is said
    }
    if (stuck.size() > most_named) {
        stuck.resize(most_named);
        stuck.emplace_back("…");
    }
    const Error reason =
        Error("it was killed, but does not end: {}", stuck.empty() ? "its processes hang" : join(stuck, ", "))
            .with_exit_code(ExitCode::failure);
    for (const ClientId client : std::exchange(stoppers_, {}))
        server_.send(client, Packet::failed, format_failure(reason));
}

} // namespace kist::monitor
