// SPDX-License-Identifier: Apache-2.0
#include "oci/run/systemd_scope.hh"

#include <algorithm>
#include <climits>
#include <thread>

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/dbus.hh"
#include "base/error.hh"
#include "base/rollback.hh"
#include "base/text.hh"
#include "oci/run/cgroup_controllers.hh"
#include "oci/run/cgroup_devices.hh"
#include "oci/run/cgroup_files.hh"
#include "oci/run/clone.hh"

namespace kist::oci {

namespace {

using dbus::Arguments;
using dbus::Property;
using std::chrono::steady_clock;
using Properties = std::vector<Property>;

constexpr const char* socket_path = "/run/systemd/private";
constexpr auto answer_limit = std::chrono::seconds(30);

bool is_named(const dbus::CallError& error, std::string_view name) { return error.name() == name; }
constexpr std::string_view no_such_unit = "org.freedesktop.systemd1.NoSuchUnit";
constexpr std::string_view unit_exists = "org.freedesktop.systemd1.UnitExists";
constexpr std::string_view property_read_only = "org.freedesktop.DBus.Error.PropertyReadOnly";

/// systemd's manager object. One connection serves one operation, which has answer_limit for all of its calls.
class Manager {
public:
    Manager() : bus_(connect(deadline_)) {}
    dbus::Message call(std::string_view method, const Arguments& arguments) {
        return bus_.call(
            {.object = "/org/freedesktop/systemd1", .interface = "org.freedesktop.systemd1.Manager", .member = method},
            arguments, deadline_);
    }
    /// A method that queues a job, and how that job ended: "done" when all is well.
    std::string run_job(std::string_view method, const Arguments& arguments) {
        const std::string job = dbus::leading_arguments(call(method, arguments)).at(0);
        for (;;) {
            const dbus::Message signal = bus_.next_signal(deadline_);
            if (signal.member != "JobRemoved") continue;
            const dbus::Strings words = dbus::leading_arguments(signal); // number, job, unit, result
            if (words.size() == 4 && words[1] == job) return words[3];
        }
    }
    /// A unit that has failed keeps its name until somebody has taken note.
    void reset_failed(const std::string& unit) {
        try {
            (void)call("ResetFailedUnit", Arguments().add(unit));
        } catch (const dbus::CallError& error) {
            if (!is_named(error, no_such_unit)) throw;
        }
    }
    bool has_unit(const std::string& unit) {
        try {
            (void)call("GetUnit", Arguments().add(unit));
            return true;
        } catch (const dbus::CallError& error) {
            if (!is_named(error, no_such_unit)) throw;
            return false;
        }
    }
    bool in_time() const { return steady_clock::now() < deadline_; }

private:
    static dbus::Connection connect(dbus::Connection::Deadline deadline) {
        try {
            return dbus::Connection::open(socket_path, deadline);
        } catch (SysError& error) {
            error.with_hint("is systemd running here? The cgroupfs manager does without it");
            throw;
        }
    }
    dbus::Connection::Deadline deadline_ = steady_clock::now() + answer_limit;
    dbus::Connection bus_;
};

/// systemd before 244 does not know of AllowedCPUs, before 253 of MemoryZSwapMax, …: the file alone has to do there.
bool drop_unknown(Properties& limits, const dbus::CallError& error) {
    const std::string_view start = "Cannot set property ";
    if (!is_named(error, property_read_only) || !error.text().starts_with(start)) return false;
    const std::string name = split_once(error.text().substr(start.size()), ',').first;
    return std::erase_if(limits, [&](const Property& limit) { return limit.name == name; }) > 0;
}

Properties base_properties(const ScopeOptions& options, pid_t holder) {
    return {{"Description", options.description},
            {"Slice", options.name.slice},
            {"PIDs", std::vector{static_cast<std::uint32_t>(holder)}},
            {"Delegate", true},
            {"DefaultDependencies", false},
            // what has failed is not kept for somebody to look at: that is the engine's to tell
            {"CollectMode", std::string("inactive-or-failed")},
            {"CPUAccounting", true},
            {"IOAccounting", true},
            {"MemoryAccounting", true},
            {"TasksAccounting", true},
            // or it would be systemd's default, which is about services
            {"TasksMax", std::uint64_t{UINT64_MAX}}};
}

void start_once(Manager& manager, const ScopeOptions& options, pid_t holder, Properties& limits) {
    for (;;) {
        Properties all = base_properties(options, holder);
        all.insert(all.end(), limits.begin(), limits.end());
        all.insert(all.end(), options.properties.begin(), options.properties.end());
        try {
            const std::string result = manager.run_job(
                "StartTransientUnit",
                Arguments().add(options.name.unit).add(std::string("fail")).add(all).add_empty("a(sa(sv))"));
            if (result != "done") throw Error("systemd says: {}", printable(result));
            return;
        } catch (const dbus::CallError& error) {
            if (!drop_unknown(limits, error)) throw;
        }
    }
}

void wait_until_gone(Manager& manager, const std::string& unit) {
    while (manager.has_unit(unit)) {
        if (!manager.in_time()) throw Error("its name does not become free");
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

void stop(Manager& manager, const std::string& unit) {
    try {
        (void)manager.run_job("StopUnit", Arguments().add(unit).add(std::string("replace")));
    } catch (const dbus::CallError& error) {
        if (is_named(error, no_such_unit)) return;
        throw;
    }
    manager.reset_failed(unit);
    wait_until_gone(manager, unit);
}

void start(const ScopeOptions& options, pid_t holder, Properties limits, Cgroup::Existing existing) {
    Manager manager;
    try {
        return start_once(manager, options, holder, limits);
    } catch (const dbus::CallError& error) {
        if (!is_named(error, unit_exists)) throw;
    }
    if (existing == Cgroup::Existing::empty) stop(manager, options.name.unit);
    else manager.reset_failed(options.name.unit);
    start_once(manager, options, holder, limits);
}

void set_properties(Manager& manager, const std::string& unit, Properties limits) {
    while (!limits.empty()) {
        try {
            (void)manager.call("SetUnitProperties", Arguments().add(unit).add(true).add(limits));
            return;
        } catch (const dbus::CallError& error) {
            if (is_named(error, no_such_unit)) return; // it has just ended
            if (!drop_unknown(limits, error)) throw;
        }
    }
}

/// A process that does nothing, with nothing of ours in its hands: it is in the container's group, though in none of its
/// namespaces.
Child make_holder() {
    const pid_t parent = ::getpid();
    auto child = clone_process(0, Fd());
    if (child) return std::move(*child);
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    end_with_parent(parent);
    (void)::syscall(SYS_close_range, 0, INT_MAX, 0);
    for (;;) ::pause();
}

void check_place(const CgroupHost& host, const ScopeName& name, pid_t holder) {
    const std::string text = cgroup_files::read(fmt::format("/proc/{}/cgroup", holder)).value_or("");
    if (!cgroup_files::has_line(text, "0::" + scope_path(name)))
        throw Error("it is not at '{}{}', where it was looked for: {}", host.unified, scope_path(name),
                    printable(trim(text)));
}

} // namespace

Cgroup start_scope(const CgroupHost& host, const ScopeOptions& options, Cgroup::Existing existing,
                   std::optional<ScopeHolder>& holder) {
    const std::string& unit = options.name.unit;
    if (host.kind != CgroupHost::Kind::v2)
        throw Error("starting scope '{}': the systemd cgroup manager needs cgroup v2, and this host has v1", unit)
            .with_hint("use the cgroupfs manager");
    const auto plan = plan_cgroup(host, options.resources);
    Child process = make_holder();
    Rollback undo;
    try {
        start(options, process.pid(), limit_properties(plan), existing);
        undo.add([&] {
            process = Child(); // before systemd asks it to end, and waits for that
            stop_scope(unit);
        });
        check_place(host, options.name, process.pid());
    } catch (Error& error) {
        error.while_doing("starting scope '{}'", unit);
        throw;
    }
    // The holder counts among the group's processes, so a small limit would leave the container no place.
    auto later = plan;
    std::erase_if(later, [](const CgroupWrite& write) { return write.file != "pids.max"; });
    Resources now = options.resources;
    now.unified.erase("pids.max");
    if (!later.empty()) now.pids = PidsLimits{-1};
    const std::string path = scope_path(options.name);
    Cgroup cgroup = Cgroup::open(host, path);
    // systemd has given it the controllers that it knows itself.
    enable_controllers(host, path, controllers_for(host, now));
    cgroup.apply(plan_cgroup(host, now));
    if (!now.devices.empty()) attach_device_program(cgroup.unified(), device_program_v2(now.devices));
    undo.commit();
    holder.emplace(std::move(process), std::move(later));
    return cgroup;
}

void ScopeHolder::let_go(const Cgroup& cgroup) {
    process_ = Child();
    cgroup.apply(later_);
}

void stop_scope(const std::string& unit) {
    if (::access(socket_path, F_OK) != 0 && errno == ENOENT) return; // no systemd, no scopes
    try {
        Manager manager;
        stop(manager, unit);
    } catch (Error& error) {
        error.while_doing("stopping scope '{}'", unit);
        throw;
    }
}

void update_scope(const std::string& unit, const std::vector<CgroupWrite>& writes) {
    Properties limits = limit_properties(writes);
    if (limits.empty()) return;
    try {
        Manager manager;
        set_properties(manager, unit, limits);
    } catch (Error& error) {
        error.while_doing("changing the limits of scope '{}'", unit);
        throw;
    }
}

} // namespace kist::oci
