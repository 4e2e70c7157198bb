// SPDX-License-Identifier: Apache-2.0
// `container init`: a container whose namespaces, mounts and network are there, and whose first process waits for the start of its
// program. The process ends with its monitor, so one that is killed leaves nothing that could run.
#include "base/time.hh"
#include "monitor/supervisor.hh"
#include "storage/init_process.hh"

namespace kist::monitor {

void Supervisor::start_waiting(ClientId client) {
    if (!waiting_)
        return server_.send(client, Packet::failed,
                            format_failure(Error("container '{}' is not initialized", task_.id)));
    try {
        const Job job = parse_job(read_file(run_, std::string(job_file), job_limit), job_file);
        state_.status = storage::Status::running;
        state_.started_at = Moment::now().ns;
        write_state(); // before it may run: see create()
        waited_ = storage::time_since(state_.pid_start_time);
        begin_program();
        const std::string warnings = run_poststart(job);
        tell("start");
        if (notify_) notify_->started();
        send_started(client, warnings);
        start_health(job);
    } catch (const Error& error) {
        forget_streams();
        fail(error, client);
        server_.when_flushed([this] { loop_.stop(); });
    }
}

/// The loop hears no more of what fail() takes away.
void Supervisor::forget_streams() {
    loop_.unwatch(init_pidfd().get());
    input_.reset();
    output_.reset();
    follower_.reset();
}

} // namespace kist::monitor
