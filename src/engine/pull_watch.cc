// SPDX-License-Identifier: Apache-2.0
// A thread only where somebody watches.
#include "engine/pull_watch.hh"

#include <chrono>

#include "base/ids.hh"

namespace kist::engine {
namespace {

constexpr std::chrono::milliseconds interval{100};

} // namespace

PullWatch::PullWatch(const std::vector<oci::Descriptor>& layers,
                     const std::function<void(const std::vector<LayerStatus>&)>& tell)
    : tell_(tell) {
    for (const oci::Descriptor& descriptor : layers) {
        Layer& layer = layers_.emplace_back();
        layer.short_id = Digest::parse(descriptor.digest)->short_id();
        layer.size = descriptor.size;
    }
    if (tell_) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

PullWatch::~PullWatch() {
    if (!tell_) return;
    thread_.request_stop();
    thread_.join();
    tell_now();
}

void PullWatch::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        tell_now();
        wake_.wait_for(lock, stop, interval, [] { return false; });
    }
}

void PullWatch::tell_now() const {
    std::vector<LayerStatus> all;
    for (const Layer& layer : layers_) all.push_back({layer.short_id, layer.state, layer.moved, layer.size});
    tell_(all);
}

} // namespace kist::engine
