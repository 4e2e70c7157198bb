// SPDX-License-Identifier: Apache-2.0
// Removing a whole tree that may be hostile: links are never followed, mounts never entered, and its depth costs neither
// stack nor descriptors, because what lies too deep is moved up and removed from there.
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/dir_stream.hh"
#include "base/error.hh"
#include "base/file.hh"
#include "base/ids.hh"

namespace kist {

namespace {

/// Opens one level. openat2 without crossing devices also refuses a bind mount of the same device, which comparing
/// device numbers would not notice.
Fd open_level(int parent, const char* name) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    long fd;
    do {
        fd = ::syscall(SYS_openat2, parent, name, &how, sizeof how);
    } while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    return Fd{static_cast<int>(fd)};
}

class Remover {
public:
    Remover(const Dir& dir, const std::string& name) : dir_(dir), path_(dir.path_of(name)) {}

    bool remove(const std::string& name) {
        const int parent = dir_.fd().get();
        Fd top = open_level(parent, name.c_str());
        if (!top && errno == ENOENT) return false;
        if (!top && (errno == ENOTDIR || errno == ELOOP)) {
            if (::unlinkat(parent, name.c_str(), 0) != 0 && errno != ENOENT) fail();
            return true;
        }
        if (!top) fail();
        top_ = top.get();
        remove_open(parent, name.c_str(), std::move(top), 0);
        return true;
    }

private:
    // Levels that are open at a time: far below the usual limit of 1024 descriptors.
    static constexpr int max_open = 100;

    [[noreturn]] void fail() const {
        if (errno == EXDEV) throw Error("removing '{}': something is mounted there", path_);
        throw SysError("removing '{}'", path_);
    }

    /// Removes an open folder with what is in it. It may take several passes: deleting while reading skips entries on some
    /// file systems, and the topmost folder receives what was moved up meanwhile.
    void remove_open(int parent, const char* name, Fd folder, int depth) {
        const int fd = folder.get();
        const DirStream stream{::fdopendir(fd)};
        if (!stream) fail();
        [[maybe_unused]] const int owned_by_stream = folder.release();
        for (;;) {
            const bool found = remove_entries(stream.get(), fd, depth);
            if (::unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return;
            if (!found || (errno != ENOTEMPTY && errno != EEXIST)) fail();
            ::rewinddir(stream.get());
        }
    }

    /// True when there was anything.
    bool remove_entries(DIR* stream, int fd, int depth) {
        bool found = false;
        for (;;) {
            errno = 0;
            const dirent* entry = ::readdir(stream);
            if (entry == nullptr && errno != 0) fail();
            if (entry == nullptr) return found;
            const std::string_view name = entry->d_name;
            if (name == "." || name == "..") continue;
            found = true;
            const std::size_t length = path_.size();
            path_.append("/").append(name);
            if (entry->d_type == DT_DIR) remove_folder(fd, entry->d_name, depth);
            else if (::unlinkat(fd, entry->d_name, 0) != 0 && errno != ENOENT)
                errno == EISDIR ? remove_folder(fd, entry->d_name, depth) : fail();
            path_.resize(length);
        }
    }

    void remove_folder(int parent, const char* name, int depth) {
        if (depth >= max_open) {
            // A name that the tree cannot know, so it cannot be in the way.
            const std::string moved = random_hex(16);
            if (::renameat(parent, name, top_, moved.c_str()) != 0) fail();
            return;
        }
        Fd folder = open_level(parent, name);
        if (!folder && errno == ENOENT) return;
        if (!folder) fail();
        remove_open(parent, name, std::move(folder), depth + 1);
    }

    const Dir& dir_;
    std::string path_; ///< of the entry at hand, for messages
    int top_ = -1;
};

} // namespace

bool Dir::remove_tree(const std::string& name) const {
    check_name(name);
    return Remover(*this, name).remove(name);
}

} // namespace kist
