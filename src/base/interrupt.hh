// SPDX-License-Identifier: Apache-2.0
// Ctrl-C in the middle of work that leaves something on the disk.
#pragma once

#include <functional>
#include <thread>

#include "base/fd.hh"
#include "base/signals.hh"

namespace kist {

/// While it lives SIGINT, SIGTERM and SIGHUP (those that would end the process, so not what nohup ignores) first run `clean` in
/// another thread, while the others go on, and then end the process as they would have. For a command's main thread, which
/// makes and destroys it, before it starts threads of its own.
class CleanOnInterrupt {
public:
    explicit CleanOnInterrupt(std::function<void()> clean);
    CleanOnInterrupt(const CleanOnInterrupt&) = delete;
    CleanOnInterrupt& operator=(const CleanOnInterrupt&) = delete;
    /// Does not return when a signal has come: an error that it caused in the meantime (a child got it too) is not told.
    ~CleanOnInterrupt();

private:
    void run();
    std::function<void()> clean_;
    SignalMask mask_;
    Fd signals_;
    Pipe over_;
    std::thread thread_; // last: it uses all of the above
};

} // namespace kist
