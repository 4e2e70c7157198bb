// SPDX-License-Identifier: Apache-2.0
// top: the processes of a container, read from /proc of the host. Neither ps of the host nor of the image is run
// (CVE-2022-1227), so it works for any image.
#include <algorithm>
#include <map>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.hh"
#include "base/in_root.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/containers.hh"
#include "engine/repair.hh"
#include "engine/spec_plan.hh"

namespace kist::engine {

namespace {

struct ProcessFacts {
    pid_t pid = 0, ppid = 0, inner_pid = 0;
    std::string state, comm, args, user, tty;
    std::uint32_t uid = 0, gid = 0;
    std::uint64_t utime = 0, stime = 0, start = 0, vsize_kib = 0, rss_kib = 0, threads = 0;
    std::int64_t nice = 0, pgid = 0, session = 0;
    std::map<std::string, std::string> status; ///< of /proc/PID/status
};

std::optional<std::string> read_proc(pid_t pid, const char* file) {
    try {
        return read_file_if_exists(fmt::format("/proc/{}/{}", pid, file), 1u << 20);
    } catch (const SysError&) {
        return std::nullopt; // it has ended
    }
}

std::string tty_name(std::uint64_t device) {
    std::uint64_t major = (device >> 8) & 0xfff, minor = (device & 0xff) | ((device >> 12) & 0xfff00);
    if (device == 0) return "?";
    if (major >= 136 && major < 144) return fmt::format("pts/{}", (major - 136) * 256 + minor);
    if (major == 4 && minor < 64) return fmt::format("tty{}", minor);
    return "?";
}

bool read_stat(ProcessFacts& facts) {
    auto text = read_proc(facts.pid, "stat");
    if (!text) return false;
    auto open = text->find('('), end = text->rfind(')');
    if (open == text->npos || end == text->npos) return false;
    facts.comm = text->substr(open + 1, end - open - 1);
    auto fields = split(trim(std::string_view(*text).substr(end + 1)), ' ');
    if (fields.size() < 22) return false;
    auto number = [&](std::size_t i) { return parse_unsigned(fields[i]).value_or(0); };
    facts.state = fields[0];
    facts.ppid = static_cast<pid_t>(number(1));
    facts.pgid = static_cast<std::int64_t>(number(2));
    facts.session = static_cast<std::int64_t>(number(3));
    facts.tty = tty_name(number(4));
    facts.utime = number(11);
    facts.stime = number(12);
    facts.nice = parse_signed(fields[16]).value_or(0);
    facts.threads = number(17);
    facts.start = number(19);
    facts.vsize_kib = number(20) / 1024;
    facts.rss_kib = number(21) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) / 1024;
    return true;
}

std::uint32_t first_number(const std::string& text) {
    return static_cast<std::uint32_t>(
        parse_unsigned(split(std::string(trim(text)), '\t').front(), UINT32_MAX).value_or(0));
}

std::optional<ProcessFacts> read_process(pid_t pid) {
    ProcessFacts facts;
    facts.pid = pid;
    if (!read_stat(facts)) return std::nullopt;
    auto status = read_proc(pid, "status");
    if (!status) return std::nullopt;
    for (const std::string& line : split(*status, '\n')) {
        auto [key, value] = split_once(line, ':');
        if (value) facts.status[key] = std::string(trim(*value));
    }
    if (!facts.status["Uid"].empty()) facts.uid = first_number(facts.status["Uid"]);
    if (!facts.status["Gid"].empty()) facts.gid = first_number(facts.status["Gid"]);
    auto pids = split(facts.status["NSpid"], '\t');
    facts.inner_pid = pids.empty() ? pid : static_cast<pid_t>(parse_unsigned(pids.back()).value_or(0));
    facts.args = read_proc(pid, "cmdline").value_or("");
    while (!facts.args.empty() && facts.args.back() == '\0') facts.args.pop_back();
    std::replace(facts.args.begin(), facts.args.end(), '\0', ' ');
    facts.args = facts.args.empty() ? "[" + facts.comm + "]" : printable(facts.args);
    return facts;
}

/// Names as the container's passwd file has them; it is untrusted data.
std::map<std::uint32_t, std::string> user_names(pid_t init) {
    std::map<std::uint32_t, std::string> names;
    Fd root{open(fmt::format("/proc/{}/root", init).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!root) return names;
    try {
        auto text = read_in_root(root, "/etc/passwd", 1u << 20);
        for (const std::string& line : split(text.value_or(""), '\n')) {
            auto fields = split(line, ':');
            if (fields.size() < 3) continue;
            if (auto uid = parse_unsigned(fields[2], UINT32_MAX))
                names.try_emplace(static_cast<std::uint32_t>(*uid), printable(fields[0]));
        }
    } catch (const Error&) { // then numbers are shown
    }
    return names;
}

struct Clock {
    std::uint64_t ticks = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    double uptime = 0;
    std::int64_t now = Moment::now().ns / 1'000'000'000;
    Clock() {
        timespec boot{};
        clock_gettime(CLOCK_BOOTTIME, &boot);
        uptime = static_cast<double>(boot.tv_sec) + static_cast<double>(boot.tv_nsec) / 1e9;
    }
    double age(const ProcessFacts& p) const {
        return std::max(0.0, uptime - static_cast<double>(p.start) / static_cast<double>(ticks));
    }
    std::uint64_t cpu_seconds(const ProcessFacts& p) const { return (p.utime + p.stime) / ticks; }
    std::string percent(const ProcessFacts& p) const {
        double used = static_cast<double>(p.utime + p.stime) / static_cast<double>(ticks), lived = age(p);
        return fmt::format("{:.1f}", lived > 0 ? 100 * used / lived : 0.0);
    }
    std::string start_text(const ProcessFacts& p) const {
        time_t moment = static_cast<time_t>(now - static_cast<std::int64_t>(age(p)));
        tm parts{};
        localtime_r(&moment, &parts);
        char text[32];
        strftime(text, sizeof text, age(p) < 86400 ? "%H:%M" : "%b%d", &parts);
        return text;
    }
};

std::string hms(std::uint64_t seconds) {
    return fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}
std::string elapsed(std::uint64_t seconds) {
    if (seconds >= 86400) return fmt::format("{}-{}", seconds / 86400, hms(seconds % 86400));
    return seconds >= 3600 ? hms(seconds) : fmt::format("{:02}:{:02}", seconds / 60, seconds % 60);
}

struct Column {
    std::string_view name; ///< of ps -o and Podman's descriptors
    std::string_view heading;
    std::string (*text)(const ProcessFacts&, const Clock&);
};
constexpr Column columns[] = {
    {"uid", "UID", [](const ProcessFacts& p, const Clock&) { return p.user; }},
    {"user", "USER", [](const ProcessFacts& p, const Clock&) { return p.user; }},
    {"huser", "HUSER", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.uid); }},
    {"gid", "GID", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.gid); }},
    {"pid", "PID", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.inner_pid); }},
    {"hpid", "HPID", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.pid); }},
    {"ppid", "PPID", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.ppid); }},
    {"pgid", "PGID", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.pgid); }},
    {"sid", "SID", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.session); }},
    {"c", "C", [](const ProcessFacts& p, const Clock& c) { return split(c.percent(p), '.').front(); }},
    {"pcpu", "%CPU", [](const ProcessFacts& p, const Clock& c) { return c.percent(p); }},
    {"stime", "STIME", [](const ProcessFacts& p, const Clock& c) { return c.start_text(p); }},
    {"etime", "ELAPSED",
     [](const ProcessFacts& p, const Clock& c) { return elapsed(static_cast<std::uint64_t>(c.age(p))); }},
    {"tty", "TTY", [](const ProcessFacts& p, const Clock&) { return p.tty; }},
    {"time", "TIME", [](const ProcessFacts& p, const Clock& c) { return hms(c.cpu_seconds(p)); }},
    {"stat", "STAT", [](const ProcessFacts& p, const Clock&) { return p.state; }},
    {"state", "STATE", [](const ProcessFacts& p, const Clock&) { return p.state; }},
    {"nice", "NI", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.nice); }},
    {"vsz", "VSZ", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.vsize_kib); }},
    {"rss", "RSS", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.rss_kib); }},
    {"nlwp", "NLWP", [](const ProcessFacts& p, const Clock&) { return std::to_string(p.threads); }},
    {"comm", "COMMAND", [](const ProcessFacts& p, const Clock&) { return printable(p.comm); }},
    {"args", "COMMAND", [](const ProcessFacts& p, const Clock&) { return p.args; }},
    {"cmd", "CMD", [](const ProcessFacts& p, const Clock&) { return p.args; }},
    {"seccomp", "SECCOMP",
     [](const ProcessFacts& p, const Clock&) {
         auto found = p.status.find("Seccomp");
         if (found == p.status.end()) return std::string("?");
         return std::string(found->second == "2" ? "filter" : found->second == "1" ? "strict" : "disabled");
     }},
    {"capeff", "EFFECTIVE CAPS",
     [](const ProcessFacts& p, const Clock&) {
         auto found = p.status.find("CapEff");
         return found == p.status.end() ? std::string("?") : found->second;
     }},
};

/// The first is Docker's layout (ps -ef), whose PID is the host's; the others are the names of `ps -o` and of Podman.
std::vector<std::string> column_names(const std::vector<std::string>& descriptors) {
    std::string text = join(descriptors, " ");
    if (text.empty() || text == "-ef" || text == "ef" || text == "-e -f")
        return {"uid", "hpid", "ppid", "c", "stime", "tty", "time", "cmd"};
    if (text == "aux" || text == "-aux")
        return {"user", "hpid", "pcpu", "vsz", "rss", "tty", "stat", "stime", "time", "args"};
    std::vector<std::string> names;
    for (const std::string& word : descriptors) {
        if (word == "-o" || word == "-eo" || word == "-e") continue;
        std::string list = word.starts_with("-eo") ? word.substr(3) : word.starts_with("-o") ? word.substr(2) : word;
        for (const std::string& name : split(list, ',')) names.push_back(to_lower(name));
    }
    return names;
}

const Column& find_column(const std::string& name) {
    static const std::map<std::string, std::string> aliases = {{"%cpu", "pcpu"}, {"group", "gid"}, {"command", "args"},
                                                               {"ni", "nice"},   {"tt", "tty"},    {"start", "stime"},
                                                               {"s", "state"}};
    auto alias = aliases.find(name);
    const std::string& wanted = alias == aliases.end() ? name : alias->second;
    std::vector<std::string> known;
    for (const Column& column : columns) {
        if (column.name == wanted) return column;
        known.emplace_back(column.name);
    }
    UsageError error("unknown column '{}' for top", printable(name));
    auto near = nearest(wanted, known);
    error.with_hint(near.empty() ? "columns are " + join(known, ", ") : "did you mean " + quoted_choice(near) + "?");
    throw error;
}

} // namespace

TopTable top(Engine& engine, const ContainerId& id, const std::vector<std::string>& descriptors) {
    std::vector<const Column*> chosen;
    TopTable table;
    bool docker_layout = false;
    auto names = column_names(descriptors);
    for (const std::string& name : names) {
        chosen.push_back(&find_column(name));
        table.headings.emplace_back(chosen.back()->heading);
    }
    docker_layout =
        !names.empty() && (names.front() == "uid" || names.front() == "user") && names.size() > 1 && names[1] == "hpid";
    if (docker_layout) table.headings[1] = "PID";
    auto view = settled_view(engine, id);
    if (!is_running(view.state.status))
        throw Error("container {} is not running", id.str()).with_exit_code(ExitCode::failure);
    auto users = user_names(view.state.pid);
    auto pids = oci::Cgroup::open(engine.cgroups(), cgroup_path(view.config)).pids();
    std::sort(pids.begin(), pids.end());
    Clock clock;
    for (pid_t pid : pids) {
        auto facts = read_process(pid);
        if (!facts) continue;
        auto user = users.find(facts->uid);
        facts->user = user == users.end() ? std::to_string(facts->uid) : user->second;
        std::vector<std::string> row;
        for (const Column* column : chosen) row.push_back(column->text(*facts, clock));
        table.rows.push_back(std::move(row));
    }
    return table;
}

} // namespace kist::engine
