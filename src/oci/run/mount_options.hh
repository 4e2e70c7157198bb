// SPDX-License-Identifier: Apache-2.0
// The option words of an OCI mount sorted into what the kernel wants them as. Pure.
// https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md#linux-mount-options
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "oci/run/mount_api.hh"

namespace kist::oci {

/// "idmap": the mount itself; "ridmap": what is mounted below too.
enum class Idmap { none, one, tree };

struct MountOptions {
    bool bind = false;
    bool recursive_bind = false;
    /// Contents of the folder below go into a fresh tmpfs ("tmpcopyup").
    bool copy_up = false;
    /// MOUNT_ATTR_* of the mount itself; a later word cancels an earlier one ("ro,rw" is nothing).
    std::uint64_t flags = 0;
    /// The words in rX form (rro, rnosuid …), applied to the whole tree.
    MountChange tree;
    Idmap idmap = Idmap::none;
    /// MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE; 0: not said.
    std::uint64_t propagation = 0;
    bool recursive_propagation = false;
    /// Of a bind: the folder or file below the source, found without leaving it ("kist.subpath=").
    std::string subpath;
    /// Of a bind of a volume that was never mounted ("kist.seed="): take owner and mode of the folder below, or its content too.
    enum class Seed { none, owner, durable, volatile_ };
    Seed seed = Seed::none;
    bool keep_owner = false;   ///< "kist.keep-owner": a seeded volume has the owner that it was made with
    bool give_to_user = false; ///< "kist.chown": the source goes to the container's user, with all that is in it
    /// Of a bind of one file ("kist.follow"): whoever holds the container puts the new file in place when the path shows another.
    bool follow = false;
    /// The rest, for the file system: key and value; no value for a flag.
    struct Datum {
        std::string key;
        std::string value;
        bool is_flag = true;
        bool operator==(const Datum&) const = default;
    };
    std::vector<Datum> data;
    bool operator==(const MountOptions&) const = default;
};

/// Every word that means something here, whatever a file system knows besides.
std::vector<std::string> known_mount_options();
/// Throws Error for words that are known but cannot be carried out (remount).
MountOptions parse_mount_options(const std::vector<std::string>& words);

} // namespace kist::oci
