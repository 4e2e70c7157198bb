// SPDX-License-Identifier: Apache-2.0
// The table of contents of a docker-archive or oci-archive that can be read at any offset. Links in it are resolved in the
// table alone: no name of an archive ever reaches the file system here.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/fd.hh"

namespace kist::unpack {

struct Member {
    std::int64_t offset = 0, size = 0;
    std::string link; ///< not empty: the name it stands for
};

class ArchiveMembers {
public:
    /// Reads the headers of `file` and skips the rest. Throws Error when it is no tar, is cut, or names one file twice.
    explicit ArchiveMembers(const Fd& file);
    bool contains(const std::string& name) const { return members_.contains(name); }
    /// A file, through links. Throws Error "the archive has no 'name'".
    const Member& find(const std::string& name) const;
    /// At most `limit` bytes (else Error).
    std::string read(const std::string& name, std::size_t limit) const;
    std::string read(const Member& member, const std::string& name, std::size_t limit) const;

private:
    const Fd& file_;
    std::map<std::string, Member> members_;
};

} // namespace kist::unpack
