// SPDX-License-Identifier: Apache-2.0
// One thread for each blob under way.
#include "engine/blob_pump.hh"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::engine {
namespace {

constexpr std::size_t most_at_once = 1u << 20;

ssize_t retried(auto call) {
    for (;;) {
        const ssize_t n = call();
        if (n >= 0 || errno != EINTR) return n;
    }
}

} // namespace

BlobPump::BlobPump(Fd from, Fd to, storage::PartialBlob* partial, std::atomic<std::int64_t>& moved)
    : from_(std::move(from)), to_(std::move(to)), partial_(partial), moved_(moved), thread_([this] { run(); }) {}

bool BlobPump::wait() {
    if (thread_.joinable()) thread_.join();
    return reader_gone_;
}

void BlobPump::run() {
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr); // a reader that has gone is an answer here
    if (send_kept())
        while (move_some()) {
        }
    from_.reset();
    to_.reset();
}

bool BlobPump::send_kept() {
    if (partial_ == nullptr) return true;
    off_t at = 0;
    while (at < partial_->size()) {
        const auto left = static_cast<std::size_t>(partial_->size() - at);
        const ssize_t n =
            retried([&] { return ::sendfile(to_.get(), partial_->file().get(), &at, std::min(left, most_at_once)); });
        if (n <= 0) {
            reader_gone_ = true;
            return false;
        }
        moved_ += n;
    }
    return true;
}

bool BlobPump::move_some() {
    if (partial_ == nullptr) {
        const ssize_t n =
            retried([&] { return ::splice(from_.get(), nullptr, to_.get(), nullptr, most_at_once, SPLICE_F_MOVE); });
        if (n < 0) reader_gone_ = true;
        if (n > 0) moved_ += n;
        return n > 0;
    }
    const ssize_t n = retried([&] { return ::tee(from_.get(), to_.get(), most_at_once, 0); });
    if (n < 0) reader_gone_ = true;
    if (n <= 0) return false;
    moved_ += n;
    for (ssize_t kept = 0; kept < n;) {
        const ssize_t now = retried([&] {
            return ::splice(from_.get(), nullptr, partial_->file().get(), nullptr, static_cast<std::size_t>(n - kept),
                            0);
        });
        if (now <= 0) { // a full disk: unpacking will say so
            reader_gone_ = true;
            return false;
        }
        kept += now;
    }
    return true;
}

} // namespace kist::engine
