// SPDX-License-Identifier: Apache-2.0
// Files of the host that the container is to see by their path, whoever replaces them.
#include "monitor/supervisor.hh"
#include "storage/event_log.hh"

namespace kist::monitor {

void Supervisor::follow_files(const Job& job, const Fd& init) {
    std::vector<oci::MountStep> files = oci::followed_binds(job.spec);
    if (files.empty()) return;
    const auto report = [this](const std::string& target, const std::string& error) {
        storage::Event event{
            .type = "container", .action = "remount", .id = task_.id, .prepared = task_.event_attributes};
        event.attributes.emplace_back("destination", target);
        if (!error.empty()) event.attributes.emplace_back("error", error);
        storage::append_event(task_.data_root, event);
    };
    follower_ = std::make_unique<FileFollower>(loop_, std::move(files), init, static_cast<pid_t>(state_.pid), report);
}

} // namespace kist::monitor
