// SPDX-License-Identifier: Apache-2.0
// What one tree changed of another: diff shows it, commit makes a layer of it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "base/error.hh"
#include "base/fd.hh"
#include "base/fields.hh"
#include "base/file.hh"

namespace kist::storage {

enum class ChangeKind { modified, added, deleted };
constexpr auto names_of(ChangeKind) {
    return std::to_array<std::pair<ChangeKind, std::string_view>>(
        {{ChangeKind::modified, "C"}, {ChangeKind::added, "A"}, {ChangeKind::deleted, "D"}});
}

struct Change {
    ChangeKind kind = ChangeKind::modified;
    std::string path; ///< "/etc/hosts"
    bool operator==(const Change&) const = default;
};

/// The upper folder renamed folders of the layers below by reference (redirect_dir) or holds files without their contents
/// (metacopy): it does not say by itself what changed. compare_trees() does.
class NotSelfContained : public Error {
public:
    using Error::Error;
};

/// The mark of an upper folder for a name that is gone: the device 0:0.
inline bool is_whiteout(const struct stat& facts) { return S_ISCHR(facts.st_mode) && facts.st_rdev == 0; }

/// By reading the upper folder of an overlay alone, and looking up its names in `lower` (the layers below, mounted; none: an
/// invalid descriptor). `mount_points`: what is empty there was made only to be mounted on, and counts as no change.
/// Sorted, a folder before what is in it. Throws NotSelfContained.
std::vector<Change> find_changes(const Dir& upper, const Fd& lower, const std::set<std::string>& mount_points);

/// By reading both trees whole.
std::vector<Change> compare_trees(const Dir& before, const Dir& after, const std::set<std::string>& mount_points);

} // namespace kist::storage
