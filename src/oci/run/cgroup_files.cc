// SPDX-License-Identifier: Apache-2.0
// File operations on cgroup hierarchies; see cgroup_files.hh.
#include "oci/run/cgroup_files.hh"

#include <algorithm>
#include <array>
#include <csignal>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/process.hh"
#include "base/text.hh"

namespace kist::oci::cgroup_files {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void nap(std::chrono::microseconds& pause) {
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(10'000));
}

std::vector<std::string> child_folders(const std::string& folder) {
    std::vector<std::string> names;
    DIR* dir = ::opendir(folder.c_str());
    if (dir == nullptr) return names;
    while (const dirent* entry = ::readdir(dir)) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    ::closedir(dir);
    return names;
}

void copy_cpuset_from_parent(const std::string& folder) {
    const std::string parent = folder.substr(0, folder.rfind('/'));
    for (const char* name : {"/cpuset.cpus", "/cpuset.mems"}) {
        const auto own = read(folder + name);
        if (own && !trim(*own).empty()) continue;
        if (const auto inherited = read(parent + name)) write(folder + name, trim(*inherited));
    }
}

void empty_and_remove(const std::string& folder) {
    const auto deadline = steady_clock::now() + std::chrono::seconds(5);
    if (try_write(folder + "/cgroup.kill", "1") != 0) signal_members_until_empty(folder, deadline);
    if (!remove_folder(folder, deadline))
        throw Error("creating cgroup '{}': it exists and its processes cannot be killed", folder);
}

/// Makes one level. False when its parent is missing.
bool make_level(const std::string& folder, IfExists if_exists, bool init_cpuset) {
    if (::mkdir(folder.c_str(), 0755) != 0) {
        if (errno == ENOENT) return false;
        if (errno != EEXIST) throw SysError("creating cgroup '{}'", folder);
        if (if_exists == IfExists::take && !members(folder).empty())
            throw Error("creating cgroup '{}': it exists and has processes in it", folder);
        if (if_exists == IfExists::empty_it) {
            empty_and_remove(folder);
            if (::mkdir(folder.c_str(), 0755) != 0) throw SysError("creating cgroup '{}'", folder);
        }
    }
    if (init_cpuset) copy_cpuset_from_parent(folder);
    return true;
}

} // namespace

int try_write(const std::string& file, std::string_view value) {
    const Fd fd{::open(file.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!fd) return errno;
    for (;;) {
        if (::write(fd.get(), value.data(), value.size()) >= 0) return 0;
        if (errno != EINTR) return errno;
    }
}

void write(const std::string& file, std::string_view value) {
    const int code = try_write(file, value);
    if (code != 0) throw SysError(SysError::Code{code}, "writing '{}' to '{}'", value, file);
}

std::optional<std::string> read(const std::string& file) {
    const Fd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) {
        if (errno == ENOENT || errno == ENODEV) return std::nullopt;
        throw SysError("opening '{}'", file);
    }
    std::string text;
    std::array<char, 8192> buffer;
    for (;;) {
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got == 0) return text;
        if (got > 0) {
            text.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (errno == ENODEV || errno == EOPNOTSUPP) {
            return std::nullopt; // the folder went away, or a threaded one has no cgroup.procs
        } else if (errno != EINTR) {
            throw SysError("reading '{}'", file);
        }
    }
}

bool has_line(std::string_view text, std::string_view line) {
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        if (text.substr(at, end - at) == line) return true;
        at = end + 1;
    }
    return false;
}

void make_folder(const std::string& mount, const std::string& path, IfExists if_exists, bool init_cpuset) {
    if (make_level(mount + path, if_exists, init_cpuset)) return;
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
        make_level(mount + path.substr(0, slash), IfExists::keep, init_cpuset);
    if (!make_level(mount + path, if_exists, init_cpuset)) throw SysError("creating cgroup '{}{}'", mount, path);
}

bool remove_folder(const std::string& folder, Deadline deadline) {
    for (std::chrono::microseconds pause(100);;) {
        if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) return true;
        if (errno != EBUSY && errno != ENOTEMPTY) throw SysError("removing cgroup '{}'", folder);
        for (const std::string& child : child_folders(folder)) remove_folder(folder + "/" + child, deadline);
        if (::rmdir(folder.c_str()) == 0) return true;
        if (steady_clock::now() >= deadline) return false;
        // When v2 already says "empty", it was a member on its last steps: a short nap, not the
        // event, ends the wait.
        const auto events = read(folder + "/cgroup.events");
        if (events && has_line(*events, "populated 1")) wait_for_event(folder, "populated 0", deadline);
        else nap(pause);
    }
}

std::vector<pid_t> members(const std::string& folder) {
    std::vector<pid_t> pids;
    if (const auto text = read(folder + "/cgroup.procs")) {
        for (std::string_view rest = *text; !rest.empty();) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            // 0 stands for a process of a PID namespace that is not visible to us.
            if (const auto pid = parse_unsigned(rest.substr(0, end), INT32_MAX); pid && *pid != 0)
                pids.push_back(static_cast<pid_t>(*pid));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    for (const std::string& child : child_folders(folder)) {
        const auto below = members(folder + "/" + child);
        pids.insert(pids.end(), below.begin(), below.end());
    }
    return pids;
}

void signal_members_until_empty(const std::string& folder, Deadline deadline) {
    for (std::chrono::microseconds pause(100);;) {
        std::vector<std::pair<pid_t, Fd>> found;
        for (const pid_t pid : members(folder))
            if (auto pidfd = open_pidfd(pid)) found.emplace_back(pid, std::move(*pidfd));
        if (found.empty()) return;
        // Between reading the list and opening the pidfd a number may have been reused by a
        // stranger; one that is still listed afterwards is a member.
        const auto still = members(folder);
        for (const auto& [pid, pidfd] : found) {
            if (std::find(still.begin(), still.end(), pid) == still.end()) continue;
            ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
        }
        if (steady_clock::now() >= deadline) return;
        nap(pause);
    }
}

Fd open_folder_with(const std::string& mount, const std::string& path, pid_t member) {
    if (trim(read(mount + path + "/cgroup.subtree_control").value_or("")).empty()) return Fd{};
    for (const std::string& line : split(read(fmt::format("/proc/{}/cgroup", member)).value_or(""), '\n')) {
        if (!line.starts_with("0::" + path + '/')) continue;
        return Fd{::open((mount + line.substr(3)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    }
    return Fd{};
}

bool wait_for_event(const std::string& folder, std::string_view line, Deadline deadline) {
    const std::string file = folder + "/cgroup.events";
    const Fd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) {
        if (errno == ENOENT) return line == "populated 0";
        throw SysError("opening '{}'", file);
    }
    for (;;) {
        std::array<char, 256> buffer;
        const ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == ENODEV) return line == "populated 0";
        if (got < 0) throw SysError("reading '{}'", file);
        if (has_line({buffer.data(), static_cast<std::size_t>(got)}, line)) return true;
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
        if (left <= milliseconds(0)) return false;
        pollfd wait{fd.get(), POLLPRI, 0};
        if (::poll(&wait, 1, static_cast<int>(left.count())) < 0 && errno != EINTR)
            throw SysError("waiting for '{}'", file);
    }
}

} // namespace kist::oci::cgroup_files
