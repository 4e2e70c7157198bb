// SPDX-License-Identifier: Apache-2.0
// Unlike in_parallel() for work that waits for others most of the time: as many threads as transfers.
#include "engine/transfers.hh"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "registry/fetcher.hh"

namespace kist::engine {
namespace {

class Work {
public:
    Work(std::size_t count, const std::function<void(std::size_t)>& body, const std::function<void()>& stop)
        : count_(count), body_(body), stop_(stop) {}

    void run() {
        for (std::size_t index = 0; take(index);) {
            try {
                body_(index);
            } catch (...) {
                fail();
            }
        }
    }
    std::exception_ptr failure;

private:
    bool take(std::size_t& index) {
        const std::lock_guard guard(mutex_);
        if (failure || next_ == count_) return false;
        index = next_++;
        return true;
    }
    void fail() {
        const std::lock_guard guard(mutex_);
        if (failure) return;
        failure = std::current_exception();
        stop_();
    }

    std::size_t count_, next_ = 0; // guarded by mutex_, as is failure
    const std::function<void(std::size_t)>& body_;
    const std::function<void()>& stop_;
    std::mutex mutex_;
};

} // namespace

void at_once(std::size_t count, std::size_t most, const std::function<void(std::size_t)>& body,
             const std::function<void()>& stop) {
    Work work(count, body, stop);
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 1; i < std::min(count, most); ++i) threads.emplace_back([&] { work.run(); });
        work.run();
    }
    if (work.failure) std::rethrow_exception(work.failure);
}

void resume_upload(const std::function<void(const registry::Ask&)>& send) {
    registry::Ask ask;
    ask.kind = "upload";
    for (;;) {
        try {
            return send(ask);
        } catch (const registry::Refusal& refusal) {
            if (refusal.location.empty()) throw;
            ask.location = refusal.location;
            ++ask.attempt;
        }
    }
}

} // namespace kist::engine
