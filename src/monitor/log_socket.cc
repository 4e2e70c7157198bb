// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_socket.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/json.hh"

namespace kist::monitor {

namespace {

constexpr const char* journal_address = "/run/systemd/journal/socket";
constexpr int facility_daemon = 3 << 3, severity_info = 6, severity_error = 3;

int severity(const LogRecord& record) { return record.stream == Stream::out ? severity_info : severity_error; }

std::string_view without_newline(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    return text;
}

/// CONTAINER_NAME and so on, the names under which docker and podman log too.
std::string journal_fields(const LogConfig& config) {
    std::string fields = fmt::format(
        "CONTAINER_ID={}\nCONTAINER_ID_FULL={}\nCONTAINER_NAME={}\nCONTAINER_TAG={}\nSYSLOG_IDENTIFIER={}\n",
        config.id.substr(0, 12), config.id, config.name, config.tag, config.tag);
    const Value attributes = json::parse("{" + config.attributes + "}", "log attributes");
    for (const auto& [name, value] : attributes.as_object()) {
        const std::string field = journal_field(name);
        if (!field.empty() && value.is_string() && value.as_string().find('\n') == std::string::npos)
            fields += field + "=" + value.as_string() + "\n";
    }
    return fields;
}

} // namespace

std::string journal_field(std::string_view name) {
    std::string field;
    for (char c : name) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        // What begins with _ is journald's own, and a digit at the start is refused.
        if (field.empty() && (!plain || (c >= '0' && c <= '9'))) continue;
        field += plain ? c : '_';
    }
    constexpr std::size_t longest = 64;
    return field.substr(0, longest);
}

std::string journal_datagram(const LogRecord& record, std::string_view fields) {
    std::string datagram = fmt::format("PRIORITY={}\n{}", severity(record), fields);
    if (!record.ends_line()) datagram += "CONTAINER_PARTIAL_MESSAGE=true\n";
    datagram += "MESSAGE=";
    datagram += without_newline(record.text);
    datagram += '\n';
    return datagram;
}

std::string syslog_datagram(const LogRecord& record, std::string_view tag) {
    const std::time_t seconds = static_cast<std::time_t>(record.moment().ns / 1'000'000'000);
    std::tm when{};
    ::localtime_r(&seconds, &when);
    char time[32];
    std::strftime(time, sizeof time, "%b %e %H:%M:%S", &when);
    return fmt::format("<{}>{} {}: {}", facility_daemon | severity(record), time, tag, without_newline(record.text));
}

LogSocket::LogSocket(const LogConfig& config)
    : is_journal_(config.driver == "journald"),
      address_(is_journal_ ? journal_address : config.path),
      tag_(config.tag),
      socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (is_journal_) fields_ = journal_fields(config);
    if (!socket_) throw SysError("log driver {}", config.driver);
    constexpr timeval patience{0, 100'000};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::access(address_.c_str(), F_OK) != 0) {
        SysError error("log driver {}: socket '{}'", config.driver, address_);
        error.with_hint("is the service running on this host?");
        throw error;
    }
}

bool LogSocket::send_one(const std::string& datagram) const {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (address_.size() >= sizeof to.sun_path) return false;
    std::memcpy(to.sun_path, address_.c_str(), address_.size() + 1);
    for (;;) {
        const ssize_t n = ::sendto(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL,
                                   reinterpret_cast<const sockaddr*>(&to), sizeof to);
        if (n >= 0) return true;
        if (errno != EINTR) return false;
    }
}

void LogSocket::note_lost(std::uint64_t bytes, int reason) noexcept {
    append(make_note(LogFormat::k8s, fmt::format("kist: {} bytes of log were lost: {}\n", bytes, errno_text(reason))));
}

void LogSocket::append(std::string_view records) noexcept {
    try {
        while (!records.empty()) {
            const std::size_t end = std::min(records.find('\n'), records.size());
            if (decode_record(records.substr(0, end), record_) &&
                !send_one(is_journal_ ? journal_datagram(record_, fields_) : syslog_datagram(record_, tag_)))
                ++lost_;
            records.remove_prefix(std::min(end + 1, records.size()));
        }
    } catch (const std::exception&) { // no memory
        ++lost_;
    }
}

} // namespace kist::monitor
