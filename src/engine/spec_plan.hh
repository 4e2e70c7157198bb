// SPDX-License-Identifier: Apache-2.0
// From a container's record to what its monitor does: pure, so every default and every mode is tested without privilege.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "engine/volume_source.hh"
#include "monitor/protocol.hh"
#include "oci/spec/root_mount.hh"
#include "storage/container_config.hh"

namespace kist::engine {

struct FoundVolume {
    storage::VolumeRecord record;
    VolumeFacts facts;
};
struct UpperFolders {
    std::string upper, work;
};

/// What the record cannot know: found on the host right before a start (host_facts.hh).
struct HostFacts {
    std::string data_root, run_root;
    std::string run_dir; ///< this container's, absolute
    std::string log_path;
    oci::RootMount root;
    /// Init of the running containers whose namespaces are joined, by full id.
    std::map<std::string, pid_t> joined;
    /// run folders of containers whose hosts and resolv.conf are shared, by full id.
    std::map<std::string, std::string> joined_run_dirs;
    std::vector<oci::Device> devices; ///< of --device, or all of the host for a privileged one
    std::vector<oci::DeviceRule> device_rules;
    std::string init_program;                   ///< empty: none
    std::string seccomp_program;                ///< file; empty: unconfined
    std::string notify_socket;                  ///< the service manager's that ran the command; empty: there is none
    bool swap_limit = true;                     ///< the host can limit swap
    std::map<std::string, FoundVolume> volumes; ///< by name
    /// by top layer: the folders of an image, topmost first
    std::map<std::string, std::vector<std::string>> layers;
    /// by destination: of mounts that take writes of their own
    std::map<std::string, UpperFolders> uppers;
};

monitor::Job plan_job(const storage::ContainerConfig&, const HostFacts&);

/// "/kist/<id>"
std::string cgroup_path(const storage::ContainerConfig&);
/// The arguments of the container's own process, without --init.
std::vector<std::string> process_args(const storage::ContainerConfig&);
/// Environment of a process in the container: defaults overridden by the record's (main process and exec).
std::vector<std::string> process_env(const storage::ContainerConfig&, bool tty);
/// Limits, final, with the defaults that the host may clamp; `clamp` gets their names.
std::vector<oci::Rlimit> process_rlimits(const storage::ContainerConfig&, std::vector<std::string>& clamp);
oci::Resources plan_resources(const storage::ContainerConfig&, const HostFacts&);

} // namespace kist::engine
