// SPDX-License-Identifier: Apache-2.0
// Use cases on containers. Each holds at most one container's lock, none while it waits for a container.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hh"
#include "base/value.hh"
#include "engine/create_options.hh"
#include "engine/engine.hh"

namespace kist::engine {

/// Checks everything that can fail for the user's mistake, then writes the record (create.cc). Warnings for stderr go to `warn`.
ContainerId create(Engine&, const CreateOptions&, const std::function<void(const std::string&)>& warn);

struct AttachOptions {
    bool stdin_ = false, stdout_ = true, stderr_ = true;
    bool sig_proxy = true;
    std::string detach_keys = "ctrl-p,ctrl-q";
};
struct AttachResult {
    bool detached = false;
    int exit_code = 0;
};
/// Starts a created, initialized or exited container. With `attach`: streams until it exits or the user detaches; without: returns
/// once its process has started. A failed start of an auto_remove container removes it (start.cc).
AttachResult start(Engine&, const ContainerId&, const std::optional<AttachOptions>& attach);
AttachResult attach(Engine&, const ContainerId&, const AttachOptions&);
/// All of a start but the program, which waits for start(); ended by stop() and remove().
void initialize(Engine&, const ContainerId&);

struct StopOptions {
    std::optional<int> timeout = {}; ///< t<0 waits for ever, 0 kills at once; nothing: the container's own
    std::optional<int> signal = {};
    bool shutdown = false; ///< by the host, not by the user: policies that restart count after the boot
    /// Called once when it takes longer than 10 s (a signal that is ignored, t<0).
    std::function<void()> waiting = {};
};
/// Stopping a stopped one is no error. Returns when the exit is on disk.
void stop(Engine&, const ContainerId&, const StopOptions&);
/// SIGKILL returns when the exit is on disk, another signal when it has been sent.
void kill(Engine&, const ContainerId&, int signal);
void restart(Engine&, const ContainerId&, std::optional<int> timeout, std::optional<int> signal);
void pause(Engine&, const ContainerId&);
void unpause(Engine&, const ContainerId&);
struct UpdateOptions : HealthOptions, LimitOptions {
    std::optional<std::string> restart;
    bool operator==(const UpdateOptions&) const = default;
};
/// Changes what was asked for at create, at once when it runs; all of it or, with an Error, nothing (update.cc).
void update(Engine&, const ContainerId&, const UpdateOptions&, const std::function<void(const std::string&)>& warn);

struct HealthResult {
    int exit_code = 0;
    std::string health; ///< the container's, after the check
};
/// Runs a check now, or waits for the one that runs (health.cc).
HealthResult check_health(Engine&, const ContainerId&);
void rename(Engine&, const ContainerId&, const std::string& new_name);

struct RemoveOptions {
    bool force = false;   ///< kills a running one first
    bool volumes = false; ///< anonymous volumes too
    std::optional<int> timeout;
};
/// Those that join a namespace of `id`, and those that join theirs: in the order in which they can be removed.
std::vector<ContainerId> dependents(Engine&, const ContainerId& id);
/// The same containers, each after those whose namespaces it joins.
std::vector<ContainerId> start_order(Engine&, const std::vector<ContainerId>&);
/// What a killed monitor has left of it is put right, at once instead of by the next command that needs it.
void cleanup(Engine&, const ContainerId&);
/// Throws Error 'cannot remove running container "web" …: stop it first or use --force'.
void remove(Engine&, const ContainerId&, const RemoveOptions&);

enum class WaitFor { healthy, unhealthy, stopped, running, removed, created, initialized, paused, exited, configured };
/// Blocks until the condition holds. Changes wake it up; `look_again` is for what the kernel does not tell (a monitor that is
/// killed). The exit code (0 where none applies).
int wait(Engine&, const ContainerId&, const std::vector<WaitFor>& any_of, std::chrono::milliseconds look_again);

struct ExecOptions {
    std::vector<std::string> command;
    std::vector<std::string> env, env_files;
    std::string user, workdir;
    bool interactive = false, tty = false, detach = false, privileged = false;
    std::string detach_keys = "ctrl-p,ctrl-q";
    std::vector<int> preserve_fds;
};
/// First of all in a command that enters a container: executes this very command line anew if its program could be written
/// to from inside (oci/run/sealed_program.hh).
void run_sealed(const std::vector<std::string>& argv);
/// Exit code of the command; with detach 0 once it has started (exec.cc).
int exec(Engine&, const ContainerId&, const ExecOptions&);

struct LogOptions {
    bool follow = false, timestamps = false, names = false, color = false, details = false;
    std::string since, until;
    std::int64_t tail = -1; ///< -1: all
};
void logs(Engine&, const std::vector<ContainerId>&, const LogOptions&);

/// --filter KEY=VALUE of ps, start, stop, rm, container prune … (filter.cc). Unknown keys are errors that name the nearest.
class ContainerFilter {
public:
    static ContainerFilter parse(Engine&, const std::vector<std::string>& filters);
    bool matches(const storage::ContainerView&) const;
    bool empty() const { return tests_.empty(); }

private:
    std::vector<std::function<bool(const storage::ContainerView&)>> tests_;
};

struct ListOptions {
    bool all = false;
    int last = -1;
    std::vector<std::string> filters;
    bool size = false;
};
/// Newest first, as ps shows them.
std::vector<storage::ContainerView> list(Engine&, const ListOptions&);

/// Docker's inspect document plus Podman's extra fields (inspect.cc).
Value inspect(Engine&, const storage::ContainerView&, bool size);
struct RowOptions {
    bool no_trunc = false;
    bool size = false;                           ///< reads the whole upper layer
    std::function<bool(std::string_view)> wants; ///< the members to make
};
/// The row of `ps`: placeholders of Docker and Podman (.ID .Names .Status .State .Ports .Labels …), those that are wanted.
Value ps_row(Engine&, const storage::ContainerView&, const RowOptions&);

struct PublishedPort {
    std::string container; ///< "80/tcp"
    std::string host;      ///< "0.0.0.0:8080"
};
/// Of a running container, by container port.
std::vector<PublishedPort> published_ports(const storage::ContainerView&);

struct TopTable {
    std::vector<std::string> headings;
    std::vector<std::vector<std::string>> rows;
};
/// Reads /proc of the host itself: neither ps of the host nor of the image is needed or trusted (CVE-2022-1227).
TopTable top(Engine&, const ContainerId&, const std::vector<std::string>& descriptors);

struct Pruned {
    std::vector<std::string> ids;
    std::int64_t bytes = 0; ///< of what they had written
};
/// Removes stopped containers that match. Volumes stay, as with Docker and Podman.
Pruned prune_containers(Engine&, const std::vector<std::string>& filters);

} // namespace kist::engine
