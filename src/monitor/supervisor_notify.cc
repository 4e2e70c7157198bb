// SPDX-License-Identifier: Apache-2.0
// A container that is a service of somebody's.
#include "monitor/supervisor.hh"

namespace kist::monitor {

/// Before the container is made, which is shown the socket.
void Supervisor::notify_manager(const Job& job) {
    if (job.notify && !notify_) notify_ = std::make_unique<ServiceNotify>(loop_, run_, *job.notify);
}

/// Of a monitor that was killed. The container runs on, heard or not.
void Supervisor::take_over_notify(const Job& job) {
    try {
        notify_manager(job);
        if (notify_) notify_->started();
    } catch (const Error& error) {
        state_.error = error.message();
    }
}

} // namespace kist::monitor
