// SPDX-License-Identifier: Apache-2.0
#include "storage/event_log.hh"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/log.hh"

namespace kist::storage {

namespace {

/// Of a line, before its quotes and backslashes are escaped: labels may be large.
constexpr std::size_t most_attributes = 16 << 10;

void add_member(std::string& to, std::string_view name, std::string_view value) {
    if (!to.empty() && to.back() != '{') to += ',';
    to += json::dump(Value(name));
    to += ':';
    to += json::dump(Value(value));
}

Fd open_log(int folder, const std::string& path) {
    return Fd{::openat(folder, path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
}

bool is_same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

/// Of several that find the file long, the one that gets its lock renames it, if nobody has done so before. Who writes to
/// the old file meanwhile is read there too: readers look at it once more.
void rotate(int folder, const std::string& prefix, Fd& file, const struct stat& known) {
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return;
    const std::string path = prefix + std::string(event_log_name);
    struct stat now {};
    const bool is_current = ::fstatat(folder, path.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 && is_same_file(now, known);
    if (is_current) ::renameat(folder, path.c_str(), folder, (prefix + std::string(rotated_event_log_name)).c_str());
    if (Fd fresh = open_log(folder, path)) file = std::move(fresh);
}

void append_line(int folder, const std::string& prefix, std::string_view line) {
    Fd file = open_log(folder, prefix + std::string(event_log_name));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) throw SysError("opening the event log");
    if (status.st_size >= max_event_log) rotate(folder, prefix, file, status);
    ssize_t written = 0;
    do {
        written = ::write(file.get(), line.data(), line.size());
    } while (written < 0 && errno == EINTR);
    if (written < 0) throw SysError("writing the event log");
}

void append(int folder, const std::string& prefix, const Event& event) noexcept {
    const int saved = errno;
    try {
        append_line(folder, prefix, format_event(event));
    } catch (const std::exception& error) {
        try {
            log::debug("event {} of {} {}: {}", event.action, event.type, event.id, error.what());
        } catch (const std::exception&) { // no memory even for that
        }
    }
    errno = saved;
}

} // namespace

std::string event_attributes(const std::vector<std::pair<std::string_view, std::string_view>>& attributes) {
    std::string members;
    for (auto it = attributes.begin(); it != attributes.end(); ++it) {
        const auto has_name = [&](const auto& other) { return other.first == it->first; };
        if (std::find_if(attributes.begin(), it, has_name) != it) continue;
        if (members.size() + it->first.size() + it->second.size() > most_attributes) continue;
        add_member(members, it->first, it->second);
    }
    return members;
}

std::string format_event(const Event& event) {
    // The time first and in this form: a reader skips what is too old without parsing it.
    const Moment time = event.time.is_set() ? event.time : Moment::now();
    std::string line = fmt::format(R"({{"time":{})", time.ns);
    add_member(line, "type", event.type);
    add_member(line, "action", event.action);
    add_member(line, "id", event.id);
    line += R"(,"attributes":{)" + event_attributes(event.attributes) + "}";
    // Apart: names in both would be no JSON any more.
    if (!event.prepared.empty()) line.append(R"(,"more":{)").append(event.prepared).append("}");
    line += "}\n";
    return line;
}

void append_event(const Dir& data, const Event& event) noexcept { append(data.fd().get(), "", event); }

void append_event(const std::string& folder, const Event& event) noexcept {
    try {
        append(AT_FDCWD, folder + "/", event);
    } catch (const std::exception&) { // no memory for a path: lost as any other
    }
}

} // namespace kist::storage
