// SPDX-License-Identifier: Apache-2.0
// The ring of chunks. Positions only grow, so a slot is free when both readers have passed it.
#include "unpack/pipeline.hh"

#include <algorithm>

#include "base/error.hh"

namespace kist::unpack {

Pipeline::Pipeline(ByteSource& source, std::uint64_t byte_limit) {
    for (Slot& slot : ring_) slot.data = std::make_unique_for_overwrite<char[]>(chunk_size);
    producer_ = std::thread([this, &source, byte_limit] { produce(source, byte_limit); });
    hasher_ = std::thread([this] { hash(); });
}

Pipeline::~Pipeline() {
    {
        const std::lock_guard guard(mutex_);
        abandoned_ = true;
    }
    changed_.notify_all();
    if (producer_.joinable()) producer_.join();
    if (hasher_.joinable()) hasher_.join();
}

std::size_t Pipeline::fill(ByteSource& source, Slot& slot) const {
    std::size_t size = 0;
    while (size < chunk_size) {
        const std::size_t got = source.read({slot.data.get() + size, chunk_size - size});
        if (got == 0) break;
        size += got;
    }
    return size;
}

void Pipeline::produce(ByteSource& source, std::uint64_t byte_limit) noexcept {
    std::uint64_t total = 0;
    try {
        while (true) {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return abandoned_ || produced_ - std::min(hashed_, consumed_) < slots; });
            if (abandoned_) return;
            Slot& slot = ring_[produced_ % slots];
            lock.unlock();
            slot.size = fill(source, slot);
            total += slot.size;
            if (total > byte_limit)
                throw Error("the archive unpacks to more than the {} bytes there is room for", byte_limit);
            lock.lock();
            if (slot.size == 0) break;
            ++produced_;
            changed_.notify_all();
            if (slot.size < chunk_size) break;
        }
    } catch (...) {
        const std::lock_guard guard(mutex_);
        failure_ = std::current_exception();
    }
    const std::lock_guard guard(mutex_);
    ended_ = true;
    changed_.notify_all();
}

void Pipeline::hash() noexcept {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return abandoned_ || ended_ || hashed_ < produced_; });
        if (abandoned_ || (ended_ && hashed_ == produced_)) return;
        if (hashed_ == produced_) continue;
        const Slot& slot = ring_[hashed_ % slots];
        lock.unlock();
        sha_.update({slot.data.get(), slot.size});
        lock.lock();
        ++hashed_;
        changed_.notify_all();
    }
}

std::span<const char> Pipeline::next() {
    std::unique_lock lock(mutex_);
    if (holds_chunk_) {
        ++consumed_;
        changed_.notify_all();
    }
    holds_chunk_ = false;
    changed_.wait(lock, [&] { return ended_ || consumed_ < produced_; });
    if (consumed_ == produced_) {
        if (failure_) std::rethrow_exception(failure_);
        return {};
    }
    holds_chunk_ = true;
    const Slot& slot = ring_[consumed_ % slots];
    bytes_ += slot.size;
    return {slot.data.get(), slot.size};
}

Digest Pipeline::finish() {
    hasher_.join();
    return sha_.finish();
}

} // namespace kist::unpack
