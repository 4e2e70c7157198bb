// SPDX-License-Identifier: Apache-2.0
// The runtime's operations on containers (runtime.md of the specification). No process of the runtime stays behind: whoever
// called `create` supervises the container.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "oci/run/container.hh"
#include "oci/run/systemd_scope.hh"
#include "runtime/bundle.hh"
#include "runtime/record.hh"

namespace kist::runtime {

enum class CgroupManager { cgroupfs, systemd };

/// What `create` and `run` share.
struct CreateOptions {
    std::string id;
    std::string bundle;
    std::string console_socket;
    std::string pid_file;
    int preserve_fds = 0;
    bool no_pivot = false;
    bool no_new_keyring = false;
    CgroupManager cgroup_manager = CgroupManager::cgroupfs;
};

/// A container whose process waits. `process` may be let go: it then waits for start().
struct Creation {
    Container container;
    oci::CreatedProcess process;
};
enum class StartedBy {
    caller, ///< process.start() of this call
    later,  ///< start() of another call
};
/// All or nothing: what fails leaves no folder, no control group, no process.
Creation create(const Store&, const CreateOptions&, StartedBy);

void start(const Container&);
/// What follows a start, whoever made it: the poststart hooks. One that fails is told on standard error and changes nothing.
void run_poststart(const Container&);
/// `number` to the first process, or to every process of the container.
enum class Reach { first_process, everybody };
void kill(const Container&, int number, Reach);
enum class Force { no, yes };
/// Removes what the container has. A container that still runs is an Error, or is killed (Force::yes).
void remove(const Store&, Container, Force);
/// The remains of a `create` that was killed: a folder without a record.
void remove_remains(const Store&, const std::string& id);

struct ExecOptions {
    oci::Process process;
    std::string console_socket;
    std::string pid_file;
    int preserve_fds = 0;
    bool detach = false;
    bool ignore_paused = false;
};
/// A further process, started.
oci::CreatedProcess exec(const Store&, const Container&, const ExecOptions&);

/// Written in one step: who waits for the file finds the whole number.
void write_pid_file(const std::string& path, pid_t pid);

/// Steps that making a container and restoring one share.
/// Of the folder `path`, with a process, and with nothing in its spec that this host cannot do. `needs_console`: nobody is in the
/// foreground who could relay a terminal. Throws Error.
Bundle checked_bundle(const std::string& path, const oci::CgroupHost&, const std::string& console_socket,
                      bool needs_console);
/// As the record says: through cgroupfs, or as a scope, which is kept by `holder` until a process of the container is in it.
oci::Cgroup make_cgroup(const oci::CgroupHost&, const Record&, std::optional<oci::ScopeHolder>& holder);
/// With all in it. `scope`: the unit, empty for a group that is not systemd's. Throws Error for one that stays busy.
void remove_cgroup(const oci::CgroupHost&, const std::string& path, const std::string& scope);
Record first_record(const std::string& id, const Bundle&, CgroupManager);
/// A hook that fails is told as a warning.
oci::HookContext hook_context(const Record&);
/// Of a first process that was killed. Throws Error when it does not end.
void wait_for_end(const Container&);

} // namespace kist::runtime
