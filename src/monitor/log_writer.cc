// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_writer.hh"

#include "base/time.hh"

namespace kist::monitor {

LogWriter::LogWriter(const LogConfig& config, std::unique_ptr<LogSink> sink)
    : sink_(std::move(sink)),
      format_(sink_ ? log_format(config.driver) : LogFormat::json),
      buffer_([this](std::string_view records) { sink_->append(records); }),
      encoders_{LogEncoder(Stream::out, format_, config.attributes),
                LogEncoder(Stream::err, format_, config.attributes)} {}

void LogWriter::write(Stream stream, std::string_view bytes) {
    if (!sink_) return;
    encoders_[static_cast<std::size_t>(stream)].feed(bytes, log_stamp(format_, Moment::now()), buffer_);
    buffer_.flush();
}

void LogWriter::finish() {
    if (!sink_) return;
    const std::string time = log_stamp(format_, Moment::now());
    for (LogEncoder& encoder : encoders_) encoder.finish(time, buffer_);
    buffer_.flush();
    sink_->sync();
}

} // namespace kist::monitor
