// SPDX-License-Identifier: Apache-2.0
// One exec as others see it: in the event log, and as long as it runs in the container's run folder, for ExecIDs of inspect.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.hh"

namespace kist::engine {

class ExecSession {
public:
    ExecSession(Engine& engine, const storage::ContainerView& view, std::string command);
    /// `pid`: its first process. Never fails: an exec that cannot be listed still runs.
    void started(pid_t pid) const noexcept;
    /// Passes `code` through.
    int ended(int code) const noexcept;

private:
    Engine& engine_;
    const storage::ContainerConfig& config_;
    std::string command_, id_;
};

/// The ids of those that run. Files of commands that were killed are passed over; the container's end removes them.
std::vector<std::string> exec_ids(Engine&, const storage::ContainerView&);

} // namespace kist::engine
