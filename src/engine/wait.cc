// SPDX-License-Identifier: Apache-2.0
// wait: until a container is in one of some states. Asleep all the time: on its monitor's socket or on changes of its
// run folder.
#include <algorithm>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/containers.hh"
#include "engine/repair.hh"
#include "monitor/control.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::Status;

bool holds(WaitFor condition, const ContainerView& view) {
    switch (condition) {
    case WaitFor::stopped:
    case WaitFor::exited:
        // "not running", as Docker: what was never started has nothing to wait for.
        return view.state.status == Status::exited || view.state.status == Status::created ||
               view.state.status == Status::dead || view.state.status == Status::removing;
    case WaitFor::running: return view.state.status == Status::running;
    case WaitFor::initialized: return view.state.status == Status::initialized;
    case WaitFor::paused: return view.state.status == Status::paused;
    case WaitFor::created:
    case WaitFor::configured: return view.state.status == Status::created;
    case WaitFor::healthy: return is_running(view.state.status) && view.state.health == storage::Health::healthy;
    case WaitFor::unhealthy: return is_running(view.state.status) && view.state.health == storage::Health::unhealthy;
    case WaitFor::removed: return false;
    }
    return false;
}

/// Its next change of state, or `limit`; the limit is for what inotify cannot tell (a monitor that is killed).
class ChangeWatch {
public:
    explicit ChangeWatch(const Dir& run) : inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
        if (!inotify_) throw SysError("watching folder '{}'", run.path());
        std::string path = "/proc/self/fd/" + std::to_string(run.fd().get());
        if (inotify_add_watch(inotify_.get(), path.c_str(), IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR) <
                0 &&
            errno != ENOENT)
            throw SysError("watching folder '{}'", run.path());
    }
    void wait(int limit_ms) {
        pollfd what{inotify_.get(), POLLIN, 0};
        poll(&what, 1, limit_ms);
        char events[4096];
        while (read(inotify_.get(), events, sizeof events) > 0) {
        }
    }

private:
    Fd inotify_;
};

} // namespace

int wait(Engine& engine, const ContainerId& id, const std::vector<WaitFor>& any_of,
         std::chrono::milliseconds look_again) {
    bool for_removal = std::find(any_of.begin(), any_of.end(), WaitFor::removed) != any_of.end();
    bool for_end_only = std::all_of(any_of.begin(), any_of.end(), [](WaitFor condition) {
        return condition == WaitFor::stopped || condition == WaitFor::exited || condition == WaitFor::removed;
    });
    int exit_code = 0;
    std::optional<ChangeWatch> watch;
    for (bool first = true;; first = false) {
        std::optional<ContainerView> view;
        try {
            view = settled_view(engine, id);
        } catch (const NotFound&) {
            if (first) throw;
            return exit_code;
        }
        if (view->state.status == Status::exited) exit_code = view->state.exit_code;
        if (std::any_of(any_of.begin(), any_of.end(), [&](WaitFor condition) { return holds(condition, *view); }))
            return exit_code;
        Dir run = engine.containers().run_dir(id);
        auto client = for_end_only ? monitor::ControlClient::connect(run) : std::nullopt;
        if (client) {
            try {
                exit_code = client->wait_exit();
                if (!for_removal) return exit_code;
            } catch (const monitor::MonitorLost&) { // settled in the next round
            }
            continue;
        }
        if (!watch) {
            watch.emplace(run);
            continue; // what changed before the watch was set
        }
        watch->wait(static_cast<int>(look_again.count()));
    }
}

} // namespace kist::engine
