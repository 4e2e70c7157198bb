// SPDX-License-Identifier: Apache-2.0
// Locks that die with their holder, on a file beside the object they guard. They belong to the open file, as flock's do:
// a child that inherits the descriptor keeps them, and the last close releases them. Taken by fcntl(F_OFD_SETLK), because
// unlike an flock such a lock can be asked about without being taken: a `ps` never makes a start fail.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/file.hh"

namespace kist {

enum class LockMode { shared, exclusive };

/// Holds a lock on `dir/name` (made 0600 if missing) until destroyed. An exclusive holder writes its pid into the file, so
/// that a waiter can say whom it waits for (SECURITY P23). Removing the file while holding it is fine: a waiter notices
/// and takes a new one.
class FileLock {
public:
    /// Waits at most `limit` (asleep, woken when it is free), then throws Error "… is locked by pid 4711 (kist rm web)".
    static FileLock acquire(const Dir& dir, const std::string& name, LockMode = LockMode::exclusive,
                            std::chrono::milliseconds limit = std::chrono::seconds(60));
    /// Nothing when somebody else holds it.
    static std::optional<FileLock> try_acquire(const Dir& dir, const std::string& name, LockMode = LockMode::exclusive);
    /// True when somebody holds the file exclusively at this moment; false too when the file does not exist. Takes nothing.
    static bool is_held(const Dir& dir, const std::string& name);

    /// The descriptor that carries the lock; a child that inherits it keeps the lock alive.
    const Fd& fd() const { return fd_; }

private:
    explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

} // namespace kist
