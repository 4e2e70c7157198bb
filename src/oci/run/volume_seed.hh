// SPDX-License-Identifier: Apache-2.0
// The first mount of a volume: its folder gets the owner, the mode and, if wanted, the content of the folder that it covers in
// the image. The volume's folder holds `_data` and, until this has happened, a file `fresh`; nothing outside of it is touched.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.hh"
#include "oci/run/mount_options.hh"

namespace kist::oci {

/// A folder of the host that goes to the container's user once that is known.
struct LateOwner {
    Fd folder;
    bool is_recursive = false; ///< with all that is in it
};

/// `data` is the path of _data, `image` the folder that will be covered (none: there was none). Of several containers that
/// start at once one does it and the others wait. Killed anywhere, it is done again from the start: content appears by one
/// rename, and only in a volume that is empty. Returns a folder that is to go to the container's user.
std::vector<LateOwner> seed_volume(const std::string& data, const Fd& image, const MountOptions&);

/// Gives it away, following no link.
void give_away(const LateOwner&, std::uint32_t uid, std::uint32_t gid);

} // namespace kist::oci
