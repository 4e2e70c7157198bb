// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_sink.hh"

#include "monitor/log_file.hh"
#include "monitor/log_socket.hh"

namespace kist::monitor {

std::unique_ptr<LogSink> make_log_sink(const LogConfig& config) {
    if (config.driver == "none" || config.driver == passthrough_driver) return nullptr;
    if (config.driver == "journald" || config.driver == "syslog") return std::make_unique<LogSocket>(config);
    return std::make_unique<LogFile>(config);
}

} // namespace kist::monitor
