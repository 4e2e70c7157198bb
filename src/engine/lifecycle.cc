// SPDX-License-Identifier: Apache-2.0
// stop, kill, restart, pause, unpause, rename: requests to the container's monitor, which does them in its own time.
#include <csignal>

#include <unistd.h>

#include "engine/ask_monitor.hh"
#include "engine/containers.hh"
#include "engine/networks.hh"
#include "engine/repair.hh"
#include "engine/tell.hh"
#include "monitor/control.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::Status;

void stop_for(Engine& engine, const ContainerId& id, const monitor::StopRequest& wish, std::optional<int> timeout,
              const std::function<void()>& waiting) {
    try {
        ask_monitor(engine, id, [&](monitor::ControlClient& client, const ContainerView& view) {
            monitor::StopRequest request = wish;
            request.timeout = timeout.value_or(view.config.stop_timeout);
            client.stop(request, waiting);
        });
    } catch (const NotFound&) { // a --rm container that is gone has stopped
    }
}

} // namespace

void stop(Engine& engine, const ContainerId& id, const StopOptions& options) {
    const auto purpose = options.shutdown ? monitor::StopPurpose::shutdown : monitor::StopPurpose::stop;
    with_context("stopping", id, engine, [&] {
        stop_for(engine, id, {.timeout = 0, .signal = options.signal.value_or(0), .purpose = purpose}, options.timeout,
                 options.waiting);
    });
}

void kill(Engine& engine, const ContainerId& id, int signal) {
    with_context("killing", id, engine, [&] {
        bool runs = ask_monitor(engine, id, [&](monitor::ControlClient& client, const ContainerView&) {
            if (signal == SIGKILL) client.stop({.timeout = 0});
            else client.signal(signal);
        });
        if (!runs) throw_not_running(id);
    });
}

void restart(Engine& engine, const ContainerId& id, std::optional<int> timeout, std::optional<int> signal) {
    with_context("restarting", id, engine, [&] {
        // `keep`: a --rm container that is restarted has not ended (SEEDS A111).
        stop_for(engine, id, {.timeout = 0, .signal = signal.value_or(0), .purpose = monitor::StopPurpose::restart},
                 timeout, {});
    });
    start(engine, id, std::nullopt);
    if (auto view = engine.containers().view(id); view && view->damage.empty()) tell(engine, view->config, "restart");
}

void pause(Engine& engine, const ContainerId& id) {
    with_context("pausing", id, engine, [&] {
        bool asked = false; // a monitor that was killed then may have done it
        bool runs = ask_monitor(engine, id, [&](monitor::ControlClient& client, const ContainerView& view) {
            const bool done = view.state.status == Status::paused;
            if (done && asked) return;
            if (done) throw Error("it is already paused").with_exit_code(ExitCode::failure);
            asked = true;
            client.pause();
        });
        if (!runs) throw_not_running(id);
    });
}

void unpause(Engine& engine, const ContainerId& id) {
    with_context("unpausing", id, engine, [&] {
        bool asked = false; // as above
        bool runs = ask_monitor(engine, id, [&](monitor::ControlClient& client, const ContainerView& view) {
            const bool done = view.state.status != Status::paused;
            if (done && asked) return;
            if (done) throw Error("it is not paused").with_exit_code(ExitCode::failure);
            asked = true;
            client.unpause();
        });
        if (!runs) throw_not_running(id);
    });
}

void rename(Engine& engine, const ContainerId& id, const std::string& new_name) {
    auto lock = engine.containers().lock(id);
    auto view = engine.containers().view(id);
    if (!view) throw NotFound("No such container: {}", id.str());
    if (!view->damage.empty()) throw Error("{}", view->damage);
    if (view->state.status == Status::removing || view->state.status == Status::dead)
        throw Error("cannot rename container '{}': it is marked for removal", view->config.name);
    std::string name = new_name.starts_with('/') ? new_name.substr(1) : new_name;
    const std::string old_name = "/" + view->config.name;
    engine.containers().rename(view->config, name);
    rename_in_networks(engine, *view);
    tell(engine, view->config, "rename", {{"name", name}, {"oldName", old_name}});
}

} // namespace kist::engine
