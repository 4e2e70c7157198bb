// SPDX-License-Identifier: Apache-2.0
// What stands behind a volume: its own folder, a folder elsewhere on the host, or a file system (tmpfs, nfs, a block device) that
// each container mounts for itself. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oci/spec/runtime_spec.hh"
#include "storage/container_config.hh"
#include "storage/volume_store.hh"

namespace kist::engine {

struct VolumeSource {
    enum class Kind { folder, bind, file_system };
    Kind kind = Kind::folder;
    std::string type;                            ///< of the file system
    std::string device;                          ///< path of the host, or what the file system takes
    std::vector<std::string> options;            ///< mount words and data of the file system
    std::optional<std::uint32_t> uid, gid;       ///< who owns a new folder
    std::int64_t size_limit = 0, file_limit = 0; ///< of a folder: bytes and number; 0: none
    bool no_copy = false;
    bool operator==(const VolumeSource&) const = default;
};

/// From the driver's options. Throws UsageError naming the one that makes no sense.
VolumeSource plan_volume_source(const storage::VolumeRecord&);

/// What the kernel can say of a volume before it is mounted.
struct VolumeFacts {
    std::string data_path;
    bool is_fresh = false; ///< never mounted
};
/// One mount of a container, as the runtime takes it.
oci::Mount plan_volume_mount(const storage::MountConfig&, const storage::VolumeRecord&, const VolumeFacts&);

} // namespace kist::engine
