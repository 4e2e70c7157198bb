// SPDX-License-Identifier: Apache-2.0
// Log drivers that hand each line to a service of the host by one datagram: journald and syslog.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hh"
#include "monitor/log_record.hh"
#include "monitor/log_sink.hh"

namespace kist::monitor {

/// What journald gets for one record. `fields`: lines of "NAME=value".
std::string journal_datagram(const LogRecord&, std::string_view fields);
/// A member of the record's attributes as a field: upper case, other characters than letters, digits and _ replaced.
std::string journal_field(std::string_view name);
/// What syslog gets, in the form of its local socket (RFC 3164 without host name).
std::string syslog_datagram(const LogRecord&, std::string_view tag);

class LogSocket : public LogSink {
public:
    /// Throws when the service is not there.
    explicit LogSocket(const LogConfig& config);
    /// Records as RecordBuffer has them in the form of LogFormat::k8s. The address is looked up for each, so a service that is
    /// started anew gets the next one. A service that takes nothing for 100 ms loses what comes; the container goes on.
    void append(std::string_view records) noexcept override;
    void note_lost(std::uint64_t bytes, int reason) noexcept override;
    std::uint64_t lost() const { return lost_; }

private:
    bool send_one(const std::string& datagram) const;

    bool is_journal_;
    std::string address_, tag_, fields_;
    Fd socket_;
    LogRecord record_;
    std::uint64_t lost_ = 0;
};

} // namespace kist::monitor
