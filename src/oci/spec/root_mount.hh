// SPDX-License-Identifier: Apache-2.0
// How a container's root filesystem is put together, as data: storage plans it, the runtime mounts it inside the
// container's own mount namespace (and nowhere else: a dead container leaves no mount).
#pragma once

#include <string>
#include <vector>

#include "base/fields.hh"

namespace kist::oci {

struct RootMount {
    enum class Kind { bind, overlay };
    Kind kind = Kind::bind;
    /// bind: the folder that is the root (vfs driver, OCI bundle).
    std::string path;
    /// overlay: lower folders, topmost first; absolute paths.
    std::vector<std::string> lower;
    std::string upper; ///< empty: read-only, no upper layer
    std::string work;
    /// Further overlay options as "redirect_dir=on", "volatile".
    std::vector<std::string> options;
    /// In a container with a user namespace: the files have the host's ids and are shown with the container's.
    bool idmapped = false;
    bool operator==(const RootMount&) const = default;

    friend constexpr auto names_of(Kind) {
        return std::to_array<std::pair<Kind, std::string_view>>({{Kind::bind, "bind"}, {Kind::overlay, "overlay"}});
    }
    static constexpr void fields(auto&& field) {
        field("kind", &RootMount::kind, required);
        field("path", &RootMount::path);
        field("lower", &RootMount::lower);
        field("upper", &RootMount::upper);
        field("work", &RootMount::work);
        field("options", &RootMount::options);
        field("idmapped", &RootMount::idmapped);
    }
};

} // namespace kist::oci
