// SPDX-License-Identifier: Apache-2.0
// Runs hooks: one after the other, the container's state on standard input, standard output ignored, standard error kept for
// the message, and no longer than it may.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.hh"
#include "oci/spec/hooks.hh"

namespace kist::oci {

struct HookResult {
    std::string name;  ///< "prestart[0] '/path'"
    int exit_code = 0; ///< as a shell sees it; -1: it could not be started
    bool timed_out = false;
    std::chrono::milliseconds duration{};
    std::string output; ///< what it wrote to standard error, its first 4096 bytes; or why it could not be started
    bool failed() const { return timed_out || exit_code != 0; }
    /// "hook prestart[0] '/path': exit code 3: no such network"
    std::string message() const;
};

/// What all hooks of a container have in common.
struct HookContext {
    std::string oci_version = "1.2.0", id = {}, bundle = {};
    std::map<std::string, std::string> annotations = {};
    std::vector<std::string> extra_env = {}; ///< beside what each hook says
    /// Absolute: hooks must lie below it after links are resolved, looked at again before each run. Empty: anywhere.
    std::string allowed_folder = {};
    /// No hook runs longer, whatever it says; 0: as long as it says, or for ever.
    std::chrono::seconds limit{0};
    std::function<void(const std::string& name)> begins = {}; ///< before each one
    std::function<void(const HookResult&)> ended = {};        ///< after each one
};

/// The state of the specification's section of that name, as JSON. `status`: creating, created, running, stopped.
std::string hook_state(const HookContext&, std::string_view status, pid_t pid);

/// An absolute path to an executable file, below `allowed_folder` if that is given. Throws Error that names `name` ("prestart[0]").
void check_hook(std::string_view name, const Hook&, const std::string& allowed_folder);

/// One hook at work. Destroyed, it is killed with all that it has started in its session.
class RunningHook {
public:
    /// What keeps it from starting is its result: finish() tells.
    RunningHook(std::string_view kind, std::size_t index, const Hook&, const HookContext&, const std::string& state);
    RunningHook(RunningHook&&) noexcept = default;
    RunningHook& operator=(RunningHook&&) = delete;
    ~RunningHook();

    bool started() const { return static_cast<bool>(output_); }
    /// Readable when it has ended.
    const Fd& pidfd() const { return child_.pidfd(); }
    /// Its standard error, readable when there is something to take().
    const Fd& output() const { return output_; }
    /// False when nobody will write any more.
    bool take();
    /// -1: for ever.
    int milliseconds_left() const;
    /// Its time is over.
    void expire();
    /// Waits for its end.
    HookResult finish();

private:
    HookResult result_;
    Child child_;
    Fd output_;
    std::chrono::steady_clock::time_point begin_;
    std::chrono::seconds limit_{0};
};

/// In order. With Failure::stops the first one that fails is thrown as an Error and ends it; with Failure::goes_on all are run.
enum class Failure { stops, goes_on };
void run_hooks(std::string_view kind, const std::vector<Hook>&, const HookContext&, const std::string& state, Failure);

} // namespace kist::oci
