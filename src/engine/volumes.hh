// SPDX-License-Identifier: Apache-2.0
// Use cases on volumes: create, list, inspect, remove, prune, and what containers ask of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/value.hh"
#include "engine/engine.hh"
#include "storage/volume_store.hh"

namespace kist::engine {

struct VolumeOptions {
    std::string name; ///< empty: a random one, and the volume is anonymous
    std::string driver = "local";
    std::vector<std::string> labels, options; ///< "KEY=VALUE"
    std::optional<std::int64_t> uid, gid;
    bool ignore = false; ///< one that exists is no error
};
/// The name. Throws Error when it exists, or when an option makes no sense.
std::string create_volume(Engine&, const VolumeOptions&);

/// Throws UsageError for another than "local".
void check_volume_driver(const std::string& name);
/// The driver's options, checked on words: type, device, o, size … (volume_source.cc says what becomes of them).
void check_volume_options(const storage::VolumeRecord&);

/// The same, and who owns its folder.
void complete_volume(storage::VolumeRecord&);
/// Makes those that are missing. Returns the names of those that it made.
std::vector<std::string> ensure_volumes(Engine&, const std::vector<storage::VolumeRecord>&);
/// For a create that fails: what it made goes again, unless somebody uses it by now.
void drop_volumes(Engine&, const std::vector<std::string>& names);

/// A volume as it is found; with a damaged record only its name.
struct VolumeView {
    storage::VolumeRecord record;
    std::string damage;
    std::vector<storage::ContainerStore::VolumeUser> users;
};
VolumeView view_volume(Engine&, const std::string& name);

/// --filter KEY=VALUE: values of one key are alternatives, every label must hold. Throws UsageError.
class VolumeFilter {
public:
    static VolumeFilter parse(Engine&, const std::vector<std::string>& filters);
    bool matches(const VolumeView&) const;

private:
    std::vector<std::function<bool(const VolumeView&)>> tests_;
};

/// Sorted by name.
std::vector<VolumeView> list_volumes(Engine&, const std::vector<std::string>& filters);
/// The placeholders of Docker and Podman; `wants_size` reads all of its data.
Value volume_row(Engine&, const VolumeView&, bool wants_size);
Value inspect_volume(Engine&, const VolumeView&);
/// Bytes of its files. 0 for one that lies elsewhere (type=…).
std::int64_t volume_size(Engine&, const std::string& name);

/// What is in it as a tar, and a tar (also compressed) into it. `warn`: a file that cannot be in a tar, or changed meanwhile.
void export_volume(Engine&, const std::string& name, const Fd& out,
                   const std::function<void(const std::string&)>& warn);
void import_volume(Engine&, const std::string& name, const Fd& archive);
/// Where its files lie on the host. Throws Error for one that each container mounts for itself.
std::string volume_path(Engine&, const std::string& name);

struct VolumeRemoveOptions {
    bool force = false; ///< containers that use it go first; a missing one is no error
    std::optional<int> timeout;
};
/// Throws Error "volume 'data' is in use by container 'web' (0123456789ab)".
void remove_volume(Engine&, const std::string& name, const VolumeRemoveOptions&);

struct VolumePruneOptions {
    bool all = false; ///< named ones, too
    bool dry_run = false;
    std::vector<std::string> filters;
};
struct PrunedVolumes {
    std::vector<std::string> names;
    std::int64_t bytes = 0;
};
PrunedVolumes prune_volumes(Engine&, const VolumePruneOptions&);

} // namespace kist::engine
