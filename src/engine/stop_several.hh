// SPDX-License-Identifier: Apache-2.0
// stop of several containers: all are asked before the first is waited for, so that together they take as long as the slowest.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/containers.hh"
#include "monitor/control.hh"

namespace kist::engine {

class StopSeveral {
public:
    StopSeveral(Engine& engine, StopOptions options) : engine_(engine), options_(std::move(options)) {}

    /// Asks and does not wait. What goes wrong here is met again, and told, by finish().
    void ask(const ContainerId& id);
    /// As engine::stop(), for one that was asked or not. `waiting` as in StopOptions.
    void finish(const ContainerId& id, const std::function<void()>& waiting);

private:
    Engine& engine_;
    StopOptions options_;
    std::map<std::string, monitor::ControlClient> asked_;
};

} // namespace kist::engine
