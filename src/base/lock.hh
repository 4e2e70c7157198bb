// SPDX-License-Identifier: Apache-2.0
// Locks that die with their holder: flock on a file beside the object it guards.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/file.hh"

namespace kist {

enum class LockMode { shared, exclusive };

/// Holds an flock on `dir/name` (made 0600 if missing) until destroyed. The holder writes its pid and command into the
/// file, so that a waiter can say whom it waits for (SECURITY P23).
class FileLock {
public:
    /// Waits at most `limit`, then throws Error "… is locked by pid 4711 (kist rm web)".
    static FileLock acquire(const Dir& dir, const std::string& name, LockMode = LockMode::exclusive,
                            std::chrono::milliseconds limit = std::chrono::seconds(60));
    /// Nothing when somebody else holds it.
    static std::optional<FileLock> try_acquire(const Dir& dir, const std::string& name, LockMode = LockMode::exclusive);
    /// True when somebody holds the file exclusively at this moment; false too when the file does not exist.
    static bool is_held(const Dir& dir, const std::string& name);

    /// The descriptor that carries the lock; a child that inherits it keeps the lock alive.
    const Fd& fd() const { return fd_; }

private:
    explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

} // namespace kist
