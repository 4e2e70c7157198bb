// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_writer.hh"

#include "base/error.hh"
#include "base/time.hh"

namespace kist::monitor {

namespace {

/// Sockets take their records from the simpler form.
LogFormat format_of(const LogConfig& config) { return config.driver == "json-file" ? LogFormat::json : LogFormat::k8s; }

} // namespace

LogWriter::LogWriter(const LogConfig& config)
    : buffer_([this](std::string_view records) {
          if (file_) return file_->append(records);
          socket_->send(records);
      }),
      encoders_{LogEncoder(Stream::out, format_of(config), config.attributes),
                LogEncoder(Stream::err, format_of(config), config.attributes)} {
    if (config.driver == "none") return;
    if (config.driver == "json-file" || config.driver == "k8s-file") file_.emplace(config);
    else if (config.driver == "journald" || config.driver == "syslog") socket_.emplace(config);
    else throw Error("log driver '{}' is not known", config.driver);
}

void LogWriter::write(Stream stream, std::string_view bytes) {
    if (!file_ && !socket_) return;
    encoders_[static_cast<std::size_t>(stream)].feed(bytes, to_rfc3339(Moment::now()), buffer_);
    buffer_.flush();
}

void LogWriter::finish() {
    if (!file_ && !socket_) return;
    const std::string time = to_rfc3339(Moment::now());
    for (LogEncoder& encoder : encoders_) encoder.finish(time, buffer_);
    buffer_.flush();
}

} // namespace kist::monitor
