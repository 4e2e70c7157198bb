// SPDX-License-Identifier: Apache-2.0
// One mount in a container's config.json.
#pragma once

#include <string>
#include <vector>

#include "base/fields.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::storage {

/// One -v, --mount, --tmpfs or image VOLUME.
struct MountConfig {
    std::string type = "bind"; ///< bind, volume, image, tmpfs, devpts, mqueue, …
    std::string source;        ///< absolute host path for bind; empty for volume and image
    std::string name = {};     ///< of the volume, or of the image as the user gave it
    std::string destination;
    std::vector<std::string> options; ///< as the runtime takes them: ro, rbind, rprivate, nosuid, size=64m, …
    bool read_write = true;
    bool create_source = false; ///< -v makes a missing host folder, --mount type=bind does not
    bool anonymous = false;     ///< the volume was made for this container; `rm -v` and --rm remove it
    bool from_image = false;    ///< nobody asked: the image's VOLUME
    bool no_copy = false;       ///< a new volume stays empty, whatever the image has at the destination
    std::string subpath = {};   ///< folder or file in the volume or image
    std::string layer = {};     ///< chain id of the top layer of an image
    /// -v …:O: what is written stays apart from the source, and is dropped at the next start
    bool is_overlay = false;
    std::string upper = {}, work = {}; ///< folders of the host for what is written, if the user keeps it
    /// Whose ids its files show: nothing and the option idmap: as the container's user namespace has them.
    std::vector<oci::IdMapping> uid_map = {}, gid_map = {};
    bool operator==(const MountConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("type", &MountConfig::type);
        field("source", &MountConfig::source);
        field("name", &MountConfig::name);
        field("destination", &MountConfig::destination, required);
        field("options", &MountConfig::options);
        field("read_write", &MountConfig::read_write);
        field("create_source", &MountConfig::create_source);
        field("anonymous", &MountConfig::anonymous);
        field("from_image", &MountConfig::from_image);
        field("no_copy", &MountConfig::no_copy);
        field("subpath", &MountConfig::subpath);
        field("layer", &MountConfig::layer);
        field("is_overlay", &MountConfig::is_overlay);
        field("upper", &MountConfig::upper);
        field("work", &MountConfig::work);
        field("uid_map", &MountConfig::uid_map);
        field("gid_map", &MountConfig::gid_map);
    }
};

} // namespace kist::storage
