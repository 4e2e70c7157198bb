// SPDX-License-Identifier: Apache-2.0
#include "oci/run/copy_up.hh"

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::oci {

namespace {

constexpr int max_depth = 128;

struct DirCloser {
    void operator()(DIR* stream) const { ::closedir(stream); }
};

void copy_folder(const Fd& from, const Fd& to, int depth);

/// Capabilities of programs, ACLs, user attributes; the lists of one file fit 64 KiB (xattr(7)).
void copy_attributes(const Fd& from, const Fd& to, const std::string& name) {
    if (::flistxattr(from.get(), nullptr, 0) <= 0) return; // none, or none here
    std::vector<char> names(64 << 10), value(64 << 10);
    const ssize_t length = ::flistxattr(from.get(), names.data(), names.size());
    if (length < 0) throw SysError("copying '{}'", name);
    for (const char* key = names.data(); key < names.data() + length; key += std::strlen(key) + 1) {
        const std::string_view word = key;
        if (word.starts_with("trusted.overlay.") || word == "security.selinux") continue;
        const ssize_t size = ::fgetxattr(from.get(), key, value.data(), value.size());
        if (size < 0 ||
            (::fsetxattr(to.get(), key, value.data(), static_cast<std::size_t>(size), 0) < 0 && errno != ENOTSUP))
            throw SysError("copying attribute '{}' of '{}'", word, name);
    }
}

void copy_owner(const Fd& to, const struct stat& facts, const std::string& name) {
    const timespec times[2] = {facts.st_atim, facts.st_mtim};
    // Mode last: a change of owner clears setuid bits.
    if (::fchown(to.get(), facts.st_uid, facts.st_gid) < 0 || ::fchmod(to.get(), facts.st_mode & 07777) < 0 ||
        ::futimens(to.get(), times) < 0)
        throw SysError("copying '{}'", name);
}

void copy_file(const Fd& from, const Fd& to, const std::string& name) {
    const Fd source{::openat(from.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    struct stat facts {};
    if (!source || ::fstat(source.get(), &facts) < 0) throw SysError("copying '{}'", name);
    if (!S_ISREG(facts.st_mode)) return;
    const Fd target{::openat(to.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!target) throw SysError("copying '{}'", name);
    for (off_t left = facts.st_size; left > 0;) {
        const ssize_t sent = ::sendfile(target.get(), source.get(), nullptr, static_cast<std::size_t>(left));
        if (sent < 0) throw SysError("copying '{}'", name);
        if (sent == 0) break;
        left -= sent;
    }
    copy_owner(target, facts, name);
    copy_attributes(source, target, name); // after the owner: a change of owner clears capabilities
}

void copy_link(const Fd& from, const Fd& to, const std::string& name, const struct stat& facts) {
    char text[4096];
    const ssize_t length = ::readlinkat(from.get(), name.c_str(), text, sizeof text - 1);
    if (length < 0) throw SysError("copying '{}'", name);
    text[length] = '\0';
    if (::symlinkat(text, to.get(), name.c_str()) < 0 ||
        ::fchownat(to.get(), name.c_str(), facts.st_uid, facts.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        throw SysError("copying '{}'", name);
}

void copy_fifo(const Fd& to, const std::string& name, const struct stat& facts) {
    if (::mkfifoat(to.get(), name.c_str(), 0600) < 0 ||
        ::fchownat(to.get(), name.c_str(), facts.st_uid, facts.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        ::fchmodat(to.get(), name.c_str(), facts.st_mode & 07777, 0) < 0)
        throw SysError("copying '{}'", name);
}

void copy_child_folder(const Fd& from, const Fd& to, const std::string& name, const struct stat& facts, int depth) {
    const Fd source{::openat(from.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!source) throw SysError("copying '{}'", name);
    if (::mkdirat(to.get(), name.c_str(), 0700) < 0) throw SysError("copying '{}'", name);
    const Fd target{::openat(to.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!target) throw SysError("copying '{}'", name);
    copy_folder(source, target, depth + 1);
    copy_owner(target, facts, name);
    copy_attributes(source, target, name);
}

void copy_entry(const Fd& from, const Fd& to, const std::string& name, int depth) {
    struct stat facts {};
    if (::fstatat(from.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) < 0) throw SysError("copying '{}'", name);
    if (S_ISDIR(facts.st_mode)) copy_child_folder(from, to, name, facts, depth);
    if (S_ISREG(facts.st_mode)) copy_file(from, to, name);
    if (S_ISLNK(facts.st_mode)) copy_link(from, to, name, facts);
    if (S_ISFIFO(facts.st_mode)) copy_fifo(to, name, facts);
}

void copy_folder(const Fd& from, const Fd& to, int depth) {
    if (depth > max_depth) throw Error("copying: folders are nested more than {} deep", max_depth);
    Fd readable{::openat(from.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!readable) throw SysError("reading a folder");
    const std::unique_ptr<DIR, DirCloser> stream(::fdopendir(readable.get()));
    if (!stream) throw SysError("reading a folder");
    (void)readable.release(); // the stream closes it
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr && errno != 0) throw SysError("reading a folder");
        if (entry == nullptr) return;
        const std::string name = entry->d_name;
        if (name != "." && name != "..") copy_entry(from, to, name, depth);
    }
}

} // namespace

void copy_up(const Fd& from, const Fd& to) { copy_folder(from, to, 0); }

} // namespace kist::oci
