// SPDX-License-Identifier: Apache-2.0
// Writes files and folders as a tar: of cp to "-", export, and the layer of a commit. The tree may belong to a container that
// changes it meanwhile; it is read as storage/copy_files.hh does, by descriptors that follow nothing.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "base/fd.hh"
#include "base/file.hh"
#include "storage/copy_files.hh"
#include "storage/tar_member.hh"

namespace kist::storage {

class TreeTar {
public:
    using Warn = std::function<void(const std::string&)>;
    explicit TreeTar(const Fd& out, Warn warn = {}) : out_(out), warn_(std::move(warn)) {}

    /// What `item` is open on (O_PATH does) as `path`, a folder with everything in it.
    void add(const Fd& item, const std::string& path);
    /// Everything in a folder; `path` in front of the names, empty for none.
    void add_contents(const Dir& folder, const std::string& path);
    /// The same without what is in a folder.
    void add_alone(const Fd& item, const std::string& path);
    /// As an image layer says that `path` is gone.
    void add_whiteout(const std::string& path);
    /// The two zero blocks; writes what is left.
    void finish();

private:
    using FileId = std::pair<dev_t, ino_t>;
    void add_file(const Fd& item, TarMember, const struct stat&);
    void add_data(const Fd& file, std::uint64_t size, const std::string& path);
    void put(std::string_view bytes);
    void flush();

    const Fd& out_;
    Warn warn_;
    std::string buffer_;
    std::map<FileId, std::string> first_names_;
};

} // namespace kist::storage
