// SPDX-License-Identifier: Apache-2.0
// healthcheck run: the check itself is the monitor's, so that there is one at a time and one history.
#include "engine/ask_monitor.hh"
#include "engine/containers.hh"

namespace kist::engine {

HealthResult check_health(Engine& engine, const ContainerId& id) {
    HealthResult result;
    with_context("checking the health of", id, engine, [&] {
        const bool runs = ask_monitor(engine, id, [&](monitor::ControlClient& client, const storage::ContainerView&) {
            monitor::ControlClient::Checked checked = client.check_health();
            result = {checked.exit_code, std::move(checked.health)};
        });
        if (!runs) throw_not_running(id);
    });
    return result;
}

} // namespace kist::engine
