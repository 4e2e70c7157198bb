// SPDX-License-Identifier: Apache-2.0
// A container's hooks: what they may do, what is told while one runs and what is kept of each. They run one at a time and hold
// the monitor up, for at most two minutes each: what asks it for something meanwhile is answered afterwards.
#include "base/time.hh"
#include "monitor/supervisor.hh"

namespace kist::monitor {

oci::HookContext Supervisor::hook_context(const Job& job) {
    constexpr auto longest = std::chrono::seconds(120);
    oci::HookContext context;
    context.oci_version = job.spec.oci_version;
    context.id = job.id;
    context.bundle = run_.path();
    context.annotations = job.spec.annotations;
    // A command that would wait for this very container knows by it that it would wait for ever.
    context.extra_env = {"KIST_IN_HOOK=" + job.id};
    context.allowed_folder = job.hook_folder;
    context.limit = longest;
    context.begins = [this](const std::string& name) {
        state_.hook = name;
        state_.hook_since = Moment::now().ns;
        try_write_state();
    };
    context.ended = [this](const oci::HookResult& result) {
        state_.hook.clear();
        state_.hook_since = 0;
        state_.hooks.push_back(
            {result.name, result.exit_code, result.timed_out, result.duration.count(), result.output});
        try_write_state();
        if (result.timed_out) tell("hook_timeout", "hook", result.name);
        else if (result.failed()) tell("hook_failed", "hook", result.name);
    };
    return context;
}

/// Nobody waits in vain for a state that cannot be written.
void Supervisor::try_write_state() {
    try {
        write_state();
    } catch (const Error&) { // a full disk: readers see the state before
    }
}

std::string Supervisor::run_poststart(const Job& job) {
    if (job.spec.hooks.poststart.empty()) return "";
    oci::HookContext context = hook_context(job);
    std::string warnings;
    context.ended = [&, note = context.ended](const oci::HookResult& result) {
        note(result);
        if (result.failed()) warnings += result.message() + "\n";
    };
    const std::string state = oci::hook_state(context, "running", static_cast<pid_t>(state_.pid));
    oci::run_hooks("poststart", job.spec.hooks.poststart, context, state, oci::Failure::goes_on);
    return warnings;
}

void Supervisor::run_poststop() {
    if (!task_.has_poststop) return;
    const storage::Status status = std::exchange(state_.status, storage::Status::stopping);
    try {
        const Job job = parse_job(read_file(run_, std::string(job_file), job_limit), job_file);
        oci::HookContext context = hook_context(job);
        context.ended = [&, note = context.ended](const oci::HookResult& result) {
            if (result.failed()) state_.error = result.message();
            note(result);
        };
        oci::run_hooks("poststop", job.spec.hooks.poststop, context, oci::hook_state(context, "stopped", 0),
                       oci::Failure::goes_on);
    } catch (const Error& error) {
        state_.error = error.message();
    }
    state_.status = status;
}

} // namespace kist::monitor
