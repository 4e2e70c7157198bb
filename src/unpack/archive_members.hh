// SPDX-License-Identifier: Apache-2.0
// The table of contents of a docker-archive or oci-archive that can be read at any offset. Links in it are resolved in the
// table alone: no name of an archive ever reaches the file system here.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "unpack/members.hh"

namespace kist::unpack {

class ArchiveMembers : public Members {
public:
    /// Reads the headers of `file` and skips the rest. Throws Error when it is no tar, is cut, or names one file twice.
    explicit ArchiveMembers(const Fd& file);
    bool contains(const std::string& name) const override { return members_.contains(name); }
    /// Through links.
    Member find(const std::string& name) const override;
    std::string read(const std::string& name, std::size_t limit) const override;

private:
    const Fd& file_;
    std::map<std::string, Member> members_;
};

} // namespace kist::unpack
