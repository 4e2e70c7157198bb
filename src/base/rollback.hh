// SPDX-License-Identifier: Apache-2.0
// Undo steps for something that is made in several steps: they run backwards unless commit() was reached.
#pragma once

#include <functional>
#include <vector>

namespace kist {

class Rollback {
public:
    Rollback() = default;
    Rollback(const Rollback&) = delete;
    Rollback& operator=(const Rollback&) = delete;
    ~Rollback() {
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
            try {
                (*step)();
            } catch (...) {
                // the first failure is what the user hears; an undo that fails is mended by the next command
            }
        }
    }
    void add(std::function<void()> step) { steps_.push_back(std::move(step)); }
    void commit() noexcept { steps_.clear(); }

private:
    std::vector<std::function<void()>> steps_;
};

} // namespace kist
