// SPDX-License-Identifier: Apache-2.0
#include "monitor/kept_log.hh"

#include <algorithm>
#include <chrono>

namespace kist::monitor {

using namespace std::chrono_literals;

KeptLog::KeptLog(EventLoop& loop, const LogConfig& config)
    : loop_(loop),
      file_(config),
      packer_(loop, config.path, config.max_files),
      compresses_(config.compress),
      rotations_(file_.rotations()),
      max_age_(config.max_age) {
    if (compresses_) packer_.start(); // what the monitor before was killed over
    wait_for_age();
}

KeptLog::~KeptLog() {
    if (timer_ != 0) loop_.cancel(timer_);
}

void KeptLog::append(std::string_view records) noexcept {
    file_.append(records);
    if (compresses_ && rotations_ != file_.rotations()) packer_.start();
    rotations_ = file_.rotations();
}

/// A few looks in the time that a file may live: one that is asked for days costs a wake-up an hour.
void KeptLog::wait_for_age() {
    if (max_age_ <= 0) return;
    constexpr int looks = 16;
    const auto pause = std::clamp<std::chrono::nanoseconds>(std::chrono::nanoseconds(max_age_ / looks), 1s, 1h);
    timer_ = loop_.after(pause, [this] {
        file_.expire(Moment::now());
        append({});
        wait_for_age();
    });
}

std::unique_ptr<LogSink> open_log(EventLoop& loop, const LogConfig& config) {
    if (config.compress || config.max_age > 0) return std::make_unique<KeptLog>(loop, config);
    return make_log_sink(config);
}

} // namespace kist::monitor
