// SPDX-License-Identifier: Apache-2.0
#include "engine/stop_several.hh"

#include "base/log.hh"
#include "engine/repair.hh"

namespace kist::engine {

void StopSeveral::ask(const ContainerId& id) {
    try {
        const storage::ContainerView view = settled_view(engine_, id);
        if (!is_up(view.state.status) || asked_.contains(id.str())) return;
        auto client = monitor::ControlClient::connect(engine_.containers().run_dir(id));
        if (!client) return;
        const auto purpose = options_.shutdown ? monitor::StopPurpose::shutdown : monitor::StopPurpose::stop;
        client->ask_stop({.timeout = options_.timeout.value_or(view.config.stop_timeout),
                          .signal = options_.signal.value_or(0),
                          .purpose = purpose});
        asked_.emplace(id.str(), std::move(*client));
    } catch (const Error& error) {
        log::debug("asking container {} to stop: {}", id.str(), error.what());
    }
}

void StopSeveral::finish(const ContainerId& id, const std::function<void()>& waiting) {
    StopOptions options = options_;
    options.waiting = waiting;
    const auto found = asked_.find(id.str());
    if (found == asked_.end()) return stop(engine_, id, options);
    monitor::ControlClient client = std::move(found->second);
    asked_.erase(found);
    try {
        client.wait_stopped(waiting);
    } catch (const monitor::MonitorLost&) {
        stop(engine_, id, options); // by the next monitor
    } catch (Error& error) {
        const auto view = engine_.containers().view(id);
        error.while_doing("stopping container '{}'", view ? view->config.name : id.short_id());
        throw;
    }
}

} // namespace kist::engine
