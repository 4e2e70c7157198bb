// SPDX-License-Identifier: Apache-2.0
// Requests to a container's monitor from the engine, whatever has become of that monitor.
#pragma once

#include <unistd.h>

#include "base/error.hh"
#include "engine/repair.hh"
#include "monitor/control.hh"

namespace kist::engine {

/// Asks the monitor, adopting and asking again when it is killed under us. False when the container does not run.
template <typename Request>
bool ask_monitor(Engine& engine, const ContainerId& id, Request request) {
    for (int attempt = 0;; ++attempt) {
        storage::ContainerView view = settled_view(engine, id);
        if (!is_up(view.state.status)) return false;
        auto client = monitor::ControlClient::connect(engine.containers().run_dir(id));
        try {
            if (client) {
                request(*client, view);
                return true;
            }
            if (attempt >= 100) throw Error("its monitor does not answer");
        } catch (const monitor::MonitorLost&) {
            if (attempt >= 5) throw;
        }
        if (!client) usleep(2000); // between the end of its process and the end of its monitor
    }
}

template <typename Act>
void with_context(const char* doing, const ContainerId& id, Engine& engine, Act act) {
    try {
        act();
    } catch (const NotFound&) {
        throw;
    } catch (Error& e) {
        auto view = engine.containers().view(id);
        e.while_doing("{} container '{}'", doing,
                      view && !view->config.name.empty() ? view->config.name : id.short_id());
        throw;
    }
}

[[noreturn]] inline void throw_not_running(const ContainerId& id) {
    throw Error("container {} is not running", id.str()).with_exit_code(ExitCode::failure);
}

} // namespace kist::engine
