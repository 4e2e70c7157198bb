// SPDX-License-Identifier: Apache-2.0
// A blob on its way from kist-fetch to kist-unpack, with a copy for the day the transfer is cut off.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "base/fd.hh"
#include "storage/partial_blob.hh"

namespace kist::engine {

/// First what the partial blob has, then what comes, goes to the reader; what comes is added to the partial blob. By tee(2) and
/// splice(2): the bytes are not copied through this process.
class BlobPump {
public:
    /// `partial` may be null: then nothing is kept.
    BlobPump(Fd from, Fd to, storage::PartialBlob* partial, std::atomic<std::int64_t>& moved);
    BlobPump(const BlobPump&) = delete;
    BlobPump& operator=(const BlobPump&) = delete;
    /// Waits for the end of `from`, or of the reader's interest. True when the reader has gone first.
    bool wait();

private:
    void run();
    bool send_kept();
    bool move_some();
    Fd from_, to_;
    storage::PartialBlob* partial_;
    std::atomic<std::int64_t>& moved_;
    bool reader_gone_ = false;
    std::jthread thread_; // last: it uses all of the above
};

} // namespace kist::engine
