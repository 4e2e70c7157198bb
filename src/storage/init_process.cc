// SPDX-License-Identifier: Apache-2.0
// Reads /proc/PID/stat (proc_pid_stat(5)): fields 3 (state), 22 (start time) and 52 (exit code, for ptrace readers).
#include "storage/init_process.hh"

#include <algorithm>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/text.hh"

namespace kist::storage {

InitLook look_at_init(pid_t pid, std::uint64_t start_time) {
    if (pid <= 0) return {};
    std::optional<std::string> text;
    try {
        text = read_file_if_exists(fmt::format("/proc/{}/stat", pid), 4096);
    } catch (const SysError& e) {
        if (e.code != ESRCH) throw; // it went between open and read
    }
    if (!text) return {};
    // The command name may hold blanks and parentheses; the last ')' ends it.
    std::size_t end = text->rfind(')');
    if (end == std::string::npos) return {};
    std::vector<std::string> fields = split(trim(std::string_view(*text).substr(end + 1)), ' ');
    if (fields.size() < 50 || parse_unsigned(fields[19]) != start_time) return {};
    if (fields[0] == "X") return {};
    if (fields[0] != "Z") return {InitLook::Kind::alive, {}};
    InitLook look{InitLook::Kind::zombie, {}};
    if (auto code = parse_signed(fields[49])) look.status = ExitStatus::from_wait_status(static_cast<int>(*code));
    return look;
}

std::chrono::nanoseconds time_since(std::uint64_t start_time) {
    if (start_time == 0) return {};
    using std::chrono::nanoseconds, std::chrono::seconds;
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    const nanoseconds start = seconds(start_time / ticks) + nanoseconds(start_time % ticks * (1'000'000'000 / ticks));
    return std::max(nanoseconds{}, seconds(now.tv_sec) + nanoseconds(now.tv_nsec) - start);
}

} // namespace kist::storage
