// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_writer.hh"

#include "base/error.hh"
#include "base/time.hh"

namespace kist::monitor {

LogWriter::LogWriter(const LogConfig& config)
    : buffer_([this](std::string_view records) { file_->append(records); }) {
    if (config.driver == "none") return;
    if (config.driver != "json-file") throw Error("log driver '{}' is not known", config.driver);
    file_.emplace(config);
}

void LogWriter::write(Stream stream, std::string_view bytes) {
    if (!file_) return;
    encoders_[static_cast<std::size_t>(stream)].feed(bytes, to_rfc3339(Moment::now()), buffer_);
    buffer_.flush();
}

void LogWriter::finish() {
    if (!file_) return;
    const std::string time = to_rfc3339(Moment::now());
    for (LogEncoder& encoder : encoders_) encoder.finish(time, buffer_);
    buffer_.flush();
}

} // namespace kist::monitor
