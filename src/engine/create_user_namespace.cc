// SPDX-License-Identifier: Apache-2.0
// --userns and the options that say which ids of the host a container's users are.
#include <algorithm>

#include <linux/magic.h>
#include <sys/statfs.h>

#include "base/text.hh"
#include "engine/create_parts.hh"
#include "engine/id_ranges.hh"
#include "engine/mount_text.hh"
#include "oci/run/user_namespace.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using Maps = std::vector<oci::IdMapping>;

constexpr std::uint32_t default_size = 65536;
constexpr std::uint32_t largest_size = 1u << 24;

/// "auto" or "auto:size=N".
std::uint32_t automatic_size(const std::string& mode) {
    if (mode == "auto") return default_size;
    const auto [key, value] = split_once(mode.substr(5), '=');
    const auto size = key == "size" && value ? parse_unsigned(*value, largest_size) : std::nullopt;
    if (!size || *size == 0)
        throw UsageError("invalid --userns '{}': expected auto or auto:size=NUMBER", printable(mode));
    return static_cast<std::uint32_t>(*size);
}

Maps parse_maps(std::string_view option, const std::vector<std::string>& texts) {
    Maps map;
    for (const std::string& text : texts) map.push_back(parse_id_mapping(option, text));
    oci::check_ranges(map, option);
    return map;
}

/// From --uidmap and --gidmap, or the ranges of a user; where only one side is said it holds for the other too.
void set_maps(const CreateOptions& options, ContainerConfig& config) {
    const bool names = !options.subuidname.empty() || !options.subgidname.empty();
    const bool maps = !options.uidmaps.empty() || !options.gidmaps.empty();
    if (names && maps) throw UsageError("conflicting options: --uidmap or --gidmap and --subuidname or --subgidname");
    if (names) {
        config.uid_map =
            subordinate_ids("/etc/subuid", options.subuidname.empty() ? options.subgidname : options.subuidname);
        config.gid_map =
            subordinate_ids("/etc/subgid", options.subgidname.empty() ? options.subuidname : options.subgidname);
    } else {
        config.uid_map = parse_maps("--uidmap", options.uidmaps.empty() ? options.gidmaps : options.uidmaps);
        config.gid_map = parse_maps("--gidmap", options.gidmaps.empty() ? options.uidmaps : options.gidmaps);
    }
    for (const auto& [option, map] : {std::pair{"--uidmap", &config.uid_map}, std::pair{"--gidmap", &config.gid_map}})
        oci::check_id_map(*map, option);
}

bool has_maps(const CreateOptions& options) {
    return !(options.uidmaps.empty() && options.gidmaps.empty() && options.subuidname.empty() &&
             options.subgidname.empty());
}

std::string joined_mode(const CreateInput& in, const std::string& mode) {
    if (mode.starts_with("container:")) {
        const storage::ContainerView other = in.find_container(mode.substr(10));
        if (other.config.namespaces.user == "host")
            throw Error("--userns: container '{}' has no user namespace of its own", other.config.name);
        return "container:" + other.config.id;
    }
    const std::string path = mode.substr(3);
    struct statfs facts {};
    if (!path.starts_with('/')) throw UsageError("--userns ns:{}: the path is not absolute", printable(path));
    if (::statfs(path.c_str(), &facts) != 0) throw SysError("--userns: looking at namespace '{}'", path);
    if (facts.f_type != NSFS_MAGIC) throw Error("--userns: '{}' is not a namespace", path);
    return mode;
}

} // namespace

void interpret_user_namespace(const CreateInput& in, ContainerConfig& config,
                              const std::function<TakenIds(std::uint32_t)>& take_ids) {
    const CreateOptions& options = in.options;
    const std::string& mode = options.userns;
    std::string& result = config.namespaces.user;
    if (mode == "keep-id" || mode.starts_with("keep-id:") || mode == "nomap")
        throw UsageError("--userns {}: it maps the user who calls kist, and root is always mapped", mode);
    if (mode == "host" && has_maps(options)) throw UsageError("conflicting options: --userns host and maps of ids");
    if (mode == "auto" || mode.starts_with("auto:")) {
        if (has_maps(options)) throw UsageError("conflicting options: --userns auto and maps of ids");
        TakenIds taken = take_ids(automatic_size(mode));
        config.uid_map = std::move(taken.uids);
        config.gid_map = std::move(taken.gids);
        result = "auto";
    } else if (mode.starts_with("container:") || mode.starts_with("ns:")) {
        if (has_maps(options)) throw UsageError("conflicting options: --userns {} and maps of ids", mode);
        result = joined_mode(in, mode);
    } else if (mode.empty() || mode == "private" || mode == "host") {
        if (has_maps(options)) {
            set_maps(options, config);
            result = "private";
        } else if (mode == "private") {
            throw UsageError(
                "--userns private: needs --uidmap, --gidmap, --subuidname or --subgidname (or use --userns auto)");
        }
    } else {
        throw UsageError("invalid --userns mode '{}': it is host, auto, container:NAME|ID or ns:PATH", printable(mode));
    }
    if (result != "host" && config.security.privileged)
        throw UsageError("conflicting options: --privileged and --userns {}", mode.empty() ? "private" : mode);
    for (storage::MountConfig& mount : config.mounts) {
        resolve_idmap(mount, config);
        if (result == "host" && mount.uid_map.empty() &&
            std::find(mount.options.begin(), mount.options.end(), "idmap") != mount.options.end())
            throw UsageError("mounting on '{}': idmap without ranges is for a container with a user namespace",
                             mount.destination);
    }
}

} // namespace kist::engine
