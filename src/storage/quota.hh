// SPDX-License-Identifier: Apache-2.0
// Limits on what the files below a folder may take, by project quota: every file made there gets the folder's project, and the file
// system counts per project. ext4 and xfs can, when they are mounted with prjquota.
#pragma once

#include <cstdint>

#include "base/file.hh"

namespace kist::storage {

struct FolderLimits {
    std::int64_t bytes = 0, files = 0; ///< 0: no limit
    bool any() const { return bytes != 0 || files != 0; }
};

/// A number that is most likely nobody's.
std::uint32_t new_project();
/// The folder is empty. Throws Error with a hint when its file system cannot limit.
void limit_folder(const Dir& folder, std::uint32_t project, const FolderLimits&);
/// For a folder that is gone or goes: the numbers are free again. Never throws: what is left is a row in a table.
void forget_limits(const Dir& on_same_file_system, std::uint32_t project) noexcept;

} // namespace kist::storage
