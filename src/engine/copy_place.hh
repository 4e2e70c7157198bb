// SPDX-License-Identifier: Apache-2.0
// The two ends of cp: a path of the host or of a container, looked up once and held by descriptors from then on.
#pragma once

#include <optional>
#include <string>

#include "base/fd.hh"
#include "base/file.hh"

namespace kist::engine {

/// Where paths of one end are looked up: below a container's root, never leaving it, or on the host as everywhere.
class CopySide {
public:
    CopySide() = default; ///< the host
    /// `root` is borrowed.
    CopySide(const Fd& root, std::string container_name) : root_(&root), name_(std::move(container_name)) {}

    std::optional<Fd> open_if_exists(const std::string& path, int flags) const;
    /// "web:/etc", or the path alone on the host.
    std::string shown(const std::string& path) const;
    bool is_host() const { return root_ == nullptr; }
    const Fd& root() const { return *root_; }

private:
    const Fd* root_ = nullptr;
    std::string name_;
};

/// What a path says besides the file that it names. Pure.
struct CopyPath {
    std::string path; ///< never empty
    /// the last part: what the copy is called in a folder; empty: there is none ("/", ".", "..")
    std::string name;
    bool is_contents = false; ///< "dir/.": what is in it, not the folder itself
    bool is_folder = false;   ///< ends with a slash: must be a folder, and a link is followed
    bool operator==(const CopyPath&) const = default;
};
CopyPath parse_copy_path(const std::string& text);

struct CopySource {
    Fd item; ///< O_PATH
    mode_t mode = 0;
    CopyPath path;
    std::string shown;
};
enum class Links { follow, keep };
/// Throws NotFound.
CopySource find_source(const CopySide&, const std::string& path, Links);

/// Where the copy goes: into a folder that exists, or under a name that may or may not be taken.
struct CopyTarget {
    Dir folder;
    std::string name; ///< empty: into the folder itself
};
/// As cp(1) and docker cp: what is a folder gets the copy inside it, anything else is replaced, and the folder of a new name
/// must exist. Throws NotFound or Error.
CopyTarget find_target(const CopySide&, const std::string& path, const CopySource&);
/// A folder that exists: where an archive is unpacked.
Dir find_folder(const CopySide&, const std::string& path);

} // namespace kist::engine
