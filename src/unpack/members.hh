// SPDX-License-Identifier: Apache-2.0
// Where the files of saved images are looked up: in an archive, or in a folder.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.hh"

namespace kist::unpack {

struct Member {
    std::int64_t offset = 0, size = 0;
    std::string link = {}; ///< not empty: the name it stands for
};

class Members {
public:
    Members() = default;
    Members(const Members&) = delete;
    Members& operator=(const Members&) = delete;
    virtual ~Members() = default;
    virtual bool contains(const std::string& name) const = 0;
    /// Throws Error "… has no 'name'".
    virtual Member find(const std::string& name) const = 0;
    /// At most `limit` bytes (else Error).
    virtual std::string read(const std::string& name, std::size_t limit) const = 0;
};

/// The root of this process, which is the folder that it is confined to: a link in it leads nowhere else.
class FolderMembers : public Members {
public:
    bool contains(const std::string& name) const override;
    Member find(const std::string& name) const override;
    std::string read(const std::string& name, std::size_t limit) const override;
};

} // namespace kist::unpack
