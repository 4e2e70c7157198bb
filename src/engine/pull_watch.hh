// SPDX-License-Identifier: Apache-2.0
// How far the layers of a pull are, told from time to time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "engine/pull.hh"

namespace kist::engine {

class PullWatch {
public:
    struct Layer {
        std::string short_id;
        std::int64_t size = 0;
        std::atomic<LayerStatus::State> state = LayerStatus::State::waiting;
        std::atomic<std::int64_t> moved = 0;
    };

    /// `tell` may be empty.
    PullWatch(const std::vector<oci::Descriptor>& layers,
              const std::function<void(const std::vector<LayerStatus>&)>& tell);
    PullWatch(const PullWatch&) = delete;
    PullWatch& operator=(const PullWatch&) = delete;
    /// Tells for the last time.
    ~PullWatch();
    Layer& layer(std::size_t index) { return layers_[index]; }

private:
    void run(const std::stop_token& stop);
    void tell_now() const;
    std::deque<Layer> layers_; ///< a deque, because atomics do not move
    const std::function<void(const std::vector<LayerStatus>&)>& tell_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_; // last: it uses all of the above
};

} // namespace kist::engine
