// SPDX-License-Identifier: Apache-2.0
// --storage-opt, storage-opts of kist.json and /etc/sysconfig/kist-storage: what the storage driver is to do differently.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kist::engine {

/// Of the host, for every container made from now on.
struct StorageOptions {
    bool override_kernel_check = false;
    /// As the kernel's overlay takes them ("index=on", "volatile"), or the mount ("nodev").
    std::vector<std::string> mount;
    std::int64_t size = 0; ///< bytes that a container may write to its root; 0: no limit
    bool operator==(const StorageOptions&) const = default;
};
/// "overlay2.index=on" (also "overlay.…") and so on, later ones of one key win. Throws UsageError: unknown, or for another driver.
StorageOptions parse_storage_options(const std::vector<std::string>& options, std::string_view driver);

/// Of a container's overlay on this host: with redirect_dir, so that folders of the image can be renamed (SEEDS A228), unless the
/// kernel does not know it or `mount` says otherwise.
std::vector<std::string> overlay_options(const StorageOptions&);

/// "size=10g" of one container. Throws UsageError.
std::int64_t parse_container_size(const std::vector<std::string>& options);

/// The arguments in a line KIST_STORAGE_OPTIONS="--storage-driver=overlay2 --storage-opt overlay2.index=on" of a file.
struct StorageArguments {
    std::string driver;
    std::vector<std::string> options;
    bool operator==(const StorageArguments&) const = default;
};
inline constexpr const char* storage_arguments_file = "/etc/sysconfig/kist-storage";
StorageArguments parse_storage_arguments(std::string_view text, std::string_view where);

} // namespace kist::engine
