// SPDX-License-Identifier: Apache-2.0
// Files of a folder, once the process is confined to it.
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/text.hh"
#include "unpack/members.hh"

namespace kist::unpack {
namespace {

Fd open_member(const std::string& name) {
    // not a pipe or a device that somebody put there: opening would wait, or do something
    Fd fd{::open(("/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    struct stat st;
    if (fd && (::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode))) fd.reset();
    return fd;
}

Fd open_existing(const std::string& name) {
    Fd fd = open_member(name);
    if (!fd) throw Error("the folder has no '{}'", printable(name));
    return fd;
}

} // namespace

bool FolderMembers::contains(const std::string& name) const { return static_cast<bool>(open_member(name)); }

Member FolderMembers::find(const std::string& name) const {
    const Fd fd = open_existing(name);
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) throw SysError("reading '{}'", name);
    return {0, st.st_size};
}

std::string FolderMembers::read(const std::string& name, std::size_t limit) const {
    return read_all(open_existing(name), limit, name);
}

} // namespace kist::unpack
