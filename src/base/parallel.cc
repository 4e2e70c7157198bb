// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.hh"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace kist {
namespace {

/// Below this a thread costs more than it saves.
constexpr std::size_t per_thread = 32;
constexpr std::size_t most_threads = 8;
/// Taken at once, so that threads do not meet at the counter for every item.
constexpr std::size_t batch = 8;

std::size_t thread_count(std::size_t count) {
    const std::size_t processors = std::max(1u, std::thread::hardware_concurrency());
    return std::min({processors, most_threads, count / per_thread + 1});
}

class Shared {
public:
    Shared(std::size_t count, const std::function<void(std::size_t)>& body) : count_(count), body_(body) {}

    void work() {
        try {
            for (std::size_t first = next_ += batch; first - batch < count_; first = next_ += batch)
                for (std::size_t i = first - batch; i < std::min(first, count_); ++i) body_(i);
        } catch (...) {
            next_ = count_ + batch; // the others need not go on
            const std::lock_guard guard(mutex_);
            if (!failure_) failure_ = std::current_exception();
        }
    }
    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    std::size_t count_;
    const std::function<void(std::size_t)>& body_;
    std::atomic<std::size_t> next_ = 0;
    std::mutex mutex_;
    std::exception_ptr failure_;
};

} // namespace

void in_parallel(std::size_t count, const std::function<void(std::size_t)>& body) {
    Shared shared(count, body);
    {
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < thread_count(count); ++i) others.emplace_back([&] { shared.work(); });
        shared.work();
    }
    shared.rethrow();
}

} // namespace kist
