// SPDX-License-Identifier: Apache-2.0
// "4f4fb700ef54: Downloading [=====>     ]  3.2MB/10MB  1.1MB/s  6s"
#include "cli/progress_bars.hh"

#include <algorithm>
#include <memory>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/size.hh"
#include "cli/output.hh"

namespace kist::cli {
namespace {

using engine::LayerStatus;
using Clock = std::chrono::steady_clock;

/// Writes the same lines again and again, each time from where the first one stands.
class Bars {
public:
    void show(const std::vector<LayerStatus>& layers) {
        winsize window{};
        const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
        const std::size_t width = known ? window.ws_col : 80u, rows = known ? window.ws_row : 24u;
        begun_.resize(layers.size());
        std::string text = shown_ > 0 ? "\x1b[" + std::to_string(shown_) + "A" : "";
        // What has no room is not shown: those that are under way come first.
        const std::size_t skip = layers.size() > rows - 1 ? layers.size() - (rows - 1) : 0;
        std::size_t skipped = 0;
        shown_ = 0;
        for (std::size_t i = 0; i < layers.size(); ++i) {
            if (layers[i].state == LayerStatus::State::fetching && begun_[i] == Clock::time_point{})
                begun_[i] = Clock::now();
            if (skipped < skip && layers[i].state != LayerStatus::State::fetching) {
                ++skipped;
                continue;
            }
            const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun_[i]);
            text += "\r\x1b[K" + progress_line(layers[i], elapsed, width) + "\n";
            ++shown_;
        }
        complain(text);
    }

private:
    std::size_t shown_ = 0;
    std::vector<Clock::time_point> begun_;
};

std::string bar(double part, std::size_t width) {
    const auto full = static_cast<std::size_t>(part * static_cast<double>(width));
    std::string text(std::min(full, width), '=');
    if (full < width) text += '>';
    text.resize(width, ' ');
    return "[" + text + "]";
}

} // namespace

std::string progress_line(const LayerStatus& layer, std::chrono::milliseconds elapsed, std::size_t width) {
    std::string line = layer.short_id + ": ";
    switch (layer.state) {
    case LayerStatus::State::waiting: return line + "Waiting";
    case LayerStatus::State::done: return line + "Pull complete";
    case LayerStatus::State::known: return line + "Already exists";
    case LayerStatus::State::fetching: break;
    }
    if (layer.size > 0 && layer.moved >= layer.size) return line + "Extracting";
    const double part = layer.size > 0 ? static_cast<double>(layer.moved) / static_cast<double>(layer.size) : 0;
    const double rate =
        elapsed.count() > 0 ? static_cast<double>(layer.moved) * 1000 / static_cast<double>(elapsed.count()) : 0;
    std::string tail =
        "  " + human_size(static_cast<double>(layer.moved)) + "/" + human_size(static_cast<double>(layer.size));
    if (rate > 0) {
        tail += "  " + human_size(rate, 3) + "/s";
        tail += "  " +
                std::to_string(static_cast<std::int64_t>(static_cast<double>(layer.size - layer.moved) / rate) + 1) +
                "s";
    }
    line += "Downloading ";
    if (width > line.size() + tail.size() + 6)
        line += bar(part, std::min<std::size_t>(50, width - line.size() - tail.size() - 3));
    line += tail;
    return line.substr(0, width);
}

void show_progress(engine::PullOptions& options) {
    options.progress = [](const std::string& line) { complain(line + "\n"); };
    if (::isatty(STDERR_FILENO) == 0) return;
    options.watch = [bars = std::make_shared<Bars>()](const std::vector<LayerStatus>& layers) { bars->show(layers); };
}

} // namespace kist::cli
