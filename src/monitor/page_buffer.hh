// SPDX-License-Identifier: Apache-2.0
// Memory for bursts: pages that were never touched cost nothing, and touched ones go back to the kernel when all is quiet.
#pragma once

#include <cstddef>

namespace kist::monitor {

class PageBuffer {
public:
    explicit PageBuffer(std::size_t size);
    PageBuffer(const PageBuffer&) = delete;
    PageBuffer& operator=(const PageBuffer&) = delete;
    ~PageBuffer();

    char* data() const { return memory_; }
    std::size_t size() const { return size_; }
    /// The first `bytes` were written to.
    void touched(std::size_t bytes) {
        if (bytes > touched_) touched_ = bytes;
    }
    /// Keeps one page; the content is lost.
    void release();

private:
    char* memory_;
    std::size_t size_;
    std::size_t touched_ = 0;
};

} // namespace kist::monitor
