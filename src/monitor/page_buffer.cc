// SPDX-License-Identifier: Apache-2.0
#include "monitor/page_buffer.hh"

#include <sys/mman.h>

#include "base/error.hh"

namespace kist::monitor {

namespace {
constexpr std::size_t page_size = 4096;
}

PageBuffer::PageBuffer(std::size_t size) : size_(size) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw SysError("allocating {} bytes", size);
    memory_ = static_cast<char*>(memory);
}

PageBuffer::~PageBuffer() { ::munmap(memory_, size_); }

void PageBuffer::release() {
    if (touched_ <= page_size) return;
    ::madvise(memory_ + page_size, size_ - page_size, MADV_DONTNEED);
    touched_ = 0;
}

} // namespace kist::monitor
