// SPDX-License-Identifier: Apache-2.0
// sd_notify(3): what the service manager that ran the command hears of a container. Its main process is the monitor, which
// outlives restarts of the container and whose end is the container's.
#pragma once

#include <string>
#include <string_view>

#include "base/event_loop.hh"
#include "base/file.hh"
#include "storage/supervision.hh"

namespace kist::monitor {

/// Of a container's datagram the lines that a manager may be told: its state, but not who its main process is, nor descriptors
/// to keep. Empty when there are none.
std::string notify_lines(std::string_view datagram);

class ServiceNotify {
public:
    /// `config.socket` is not empty. In mode `container` makes the socket in `run`/notify that the spec shows to the container, in
    /// place of one of a monitor that was killed. Throws SysError.
    ServiceNotify(EventLoop& loop, const Dir& run, const storage::NotifyConfig& config);
    ServiceNotify(const ServiceNotify&) = delete;
    ServiceNotify& operator=(const ServiceNotify&) = delete;
    ~ServiceNotify();

    /// The container runs, or goes on under a new monitor. None of these throws: a manager that is not there has its own ways.
    void started() const noexcept;
    void healthy() const noexcept;
    void stopping() const noexcept;

private:
    void relay() const;
    void tell(std::string_view text) const noexcept;

    EventLoop& loop_;
    const storage::NotifyConfig config_;
    Fd socket_;
};

} // namespace kist::monitor
