// SPDX-License-Identifier: Apache-2.0
// Copying between two trees.
#include "storage/copy_files.hh"

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <string_view>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/ids.hh"
#include "base/text.hh"

namespace kist::storage {
namespace {

constexpr std::size_t most_open_first_copies = 256;
constexpr mode_t privileged_bits = S_ISUID | S_ISGID;

struct stat facts_of(const Fd& fd, const std::string& shown) {
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) throw SysError("reading '{}'", printable(shown));
    return st;
}

bool is_copied_attribute(std::string_view name, bool privileged) {
    if (name.starts_with("user.")) return true;
    return privileged && (name == "security.capability" || name.starts_with("system.posix_acl_"));
}

void copy_attributes(const Fd& from, const Fd& to, bool privileged, const std::string& shown) {
    std::array<char, XATTR_LIST_MAX> names;
    const ssize_t length = ::flistxattr(from.get(), names.data(), names.size());
    if (length <= 0) return; // none, or a file system that knows none
    std::string value(XATTR_SIZE_MAX, '\0');
    for (std::string_view rest(names.data(), static_cast<std::size_t>(length)); !rest.empty();) {
        const std::string name(rest.substr(0, rest.find('\0')));
        rest.remove_prefix(name.size() + 1);
        if (!is_copied_attribute(name, privileged)) continue;
        const ssize_t size = ::fgetxattr(from.get(), name.c_str(), value.data(), value.size());
        if (size < 0) continue; // taken away meanwhile
        if (::fsetxattr(to.get(), name.c_str(), value.data(), static_cast<std::size_t>(size), 0) == 0) continue;
        // A tmpfs may not know user attributes; those of ours that carry rights must not be lost in silence.
        if (!(errno == ENOTSUP && name.starts_with("user.")))
            throw SysError("copying attribute '{}' of '{}'", name, printable(shown));
    }
}

std::array<timespec, 2> times_of(const struct stat& st) { return {st.st_atim, st.st_mtim}; }

/// By read and write: the way that every file system knows.
void copy_plainly(const Fd& from, const Fd& to, const std::string& shown) {
    constexpr std::size_t piece = 1u << 20;
    const auto buffer = std::make_unique_for_overwrite<char[]>(piece);
    while (true) {
        const ssize_t n = ::read(from.get(), buffer.get(), piece);
        if (n == 0) return;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw SysError("reading '{}'", printable(shown));
        write_full(to, {buffer.get(), static_cast<std::size_t>(n)}, printable(shown));
    }
}

/// True when all of it was copied inside the kernel; false when this pair of file systems cannot, with nothing written.
bool copy_in_kernel(const Fd& from, const Fd& to, off_t& at, off_t end, const std::string& shown) {
    const off_t start = at;
    while (at < end) {
        off_t out = at;
        const ssize_t n = ::copy_file_range(from.get(), &at, to.get(), &out, static_cast<std::size_t>(end - at), 0);
        if (n > 0) continue;
        if (n == 0) return at > start; // shorter than it was, or a procfs that only answers to read
        if (at == start &&
            (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM))
            return false;
        if (errno != EINTR) throw SysError("copying '{}'", printable(shown));
    }
    return true;
}

void copy_extent(const Fd& from, const Fd& to, off_t start, off_t end, const std::string& shown) {
    constexpr std::size_t piece = 1u << 20;
    if (copy_in_kernel(from, to, start, end, shown)) return;
    const auto buffer = std::make_unique_for_overwrite<char[]>(piece);
    while (start < end) {
        const auto want = std::min<std::size_t>(piece, static_cast<std::size_t>(end - start));
        const ssize_t n = ::pread(from.get(), buffer.get(), want, start);
        if (n == 0) return;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw SysError("reading '{}'", printable(shown));
        for (ssize_t done = 0; done < n;) {
            const ssize_t written =
                ::pwrite(to.get(), buffer.get() + done, static_cast<std::size_t>(n - done), start + done);
            if (written < 0 && errno != EINTR) throw SysError("writing '{}'", printable(shown));
            if (written > 0) done += written;
        }
        start += n;
    }
}

} // namespace

Fd reopen(const Fd& fd, int flags, const std::string& shown) {
    const std::string name = fmt::format("/proc/self/fd/{}", fd.get());
    Fd again{::open(name.c_str(), flags | O_CLOEXEC | O_NOCTTY)};
    if (!again) throw SysError("opening '{}'", printable(shown));
    return again;
}

std::string link_text(const Fd& link, const std::string& shown) {
    std::string text(PATH_MAX, '\0');
    const ssize_t n = ::readlinkat(link.get(), "", text.data(), text.size());
    if (n < 0) throw SysError("reading link '{}'", printable(shown));
    text.resize(static_cast<std::size_t>(n));
    return text;
}

void copy_data(const Fd& from, const Fd& to, const std::string& shown) {
    const struct stat st = facts_of(from, shown);
    // Files of procfs say that they are empty.
    if (st.st_size == 0) return copy_plainly(from, to, shown);
    if (::ioctl(to.get(), FICLONE, from.get()) == 0) return;
    off_t at = 0;
    while (at < st.st_size) {
        off_t data = ::lseek(from.get(), at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) { // a hole up to the end
            if (::ftruncate(to.get(), st.st_size) != 0) throw SysError("writing '{}'", printable(shown));
            return;
        }
        off_t hole = data < 0 ? st.st_size : ::lseek(from.get(), data, SEEK_HOLE);
        if (data < 0) data = at;
        if (hole < 0 || hole > st.st_size) hole = st.st_size;
        if (data >= hole) return;
        copy_extent(from, to, data, hole, shown);
        at = hole;
    }
}

void FileCopy::warn(const std::string& text) const {
    if (rules_.warn) rules_.warn(text);
}

void FileCopy::set_owner_and_mode(const Fd& fd, const struct stat& st, const std::string& shown) const {
    const FileOwner owner = rules_.owner.value_or(FileOwner{st.st_uid, st.st_gid});
    const mode_t mode = st.st_mode & 07777 & ~(rules_.keep_privileges ? 0u : privileged_bits);
    // The order matters: a change of owner takes setuid bits away.
    if (::fchown(fd.get(), owner.uid, owner.gid) != 0 || ::fchmod(fd.get(), mode) != 0)
        throw SysError("copying '{}'", printable(shown));
}

/// Lets `make` make `name`, straight away where nothing is, else beside it and then in its place by one rename.
template <typename Make>
void FileCopy::place(const Dir& to, const std::string& name, const std::string& shown, Make make) {
    struct stat there;
    if (::fstatat(to.fd().get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) throw SysError("copying to '{}'", printable(to.path_of(name)));
        try {
            make(name);
        } catch (...) {
            to.remove_file(name);
            throw;
        }
        return;
    }
    if (S_ISDIR(there.st_mode)) {
        if (!rules_.overwrite)
            throw Error("cannot replace folder '{}' by '{}', which is none", printable(to.path_of(name)),
                        printable(shown))
                .with_hint("--overwrite does");
        to.remove_tree(name);
    }
    const std::string beside = ".kist-" + random_hex(8);
    try {
        make(beside);
        if (::renameat(to.fd().get(), beside.c_str(), to.fd().get(), name.c_str()) != 0)
            throw SysError("replacing '{}'", printable(to.path_of(name)));
    } catch (...) {
        to.remove_file(beside);
        throw;
    }
}

/// What is mounted cannot be replaced, only written to (/etc/hosts of a container).
void FileCopy::write_in_place(const Fd& source, const Dir& to, const std::string& name, const std::string& shown) {
    const auto target = to.open_file(name, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    if (!target || !S_ISREG(facts_of(*target, shown).st_mode))
        throw SysError(SysError::Code{EBUSY}, "replacing '{}'", printable(to.path_of(name)));
    if (::ftruncate(target->get(), 0) != 0 || ::lseek(source.get(), 0, SEEK_SET) < 0)
        throw SysError("writing '{}'", printable(to.path_of(name)));
    copy_data(source, *target, shown);
}

bool FileCopy::link_to_first(const struct stat& st, const Dir& to, const std::string& name) {
    const auto known = first_copies_.find({st.st_dev, st.st_ino});
    if (known == first_copies_.end()) return false;
    if (::linkat(known->second.file.get(), "", to.fd().get(), name.c_str(), AT_EMPTY_PATH) == 0) return true;
    // another file system, or the first copy was taken away: a copy of its own then
    if (errno != EEXIST) return false;
    to.remove_file(name);
    return ::linkat(known->second.file.get(), "", to.fd().get(), name.c_str(), AT_EMPTY_PATH) == 0;
}

void FileCopy::file(const Fd& source, const struct stat& st, const Dir& to, const std::string& name,
                    const std::string& shown) {
    if (st.st_nlink > 1 && link_to_first(st, to, name)) return;
    const auto make = [&](const std::string& made) {
        const auto target = to.open_file(made, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (!target) throw SysError("making '{}'", printable(to.path_of(name)));
        copy_data(source, *target, shown);
        set_owner_and_mode(*target, st, shown);
        copy_attributes(source, *target, rules_.keep_privileges, shown);
        if (::futimens(target->get(), times_of(st).data()) != 0) throw SysError("copying '{}'", printable(shown));
        if (st.st_nlink <= 1 || first_copies_.size() >= most_open_first_copies) return;
        first_copies_[{st.st_dev, st.st_ino}].file = target->duplicate();
    };
    try {
        place(to, name, shown, make);
    } catch (const SysError& error) {
        if (error.code != EBUSY) throw;
        write_in_place(source, to, name, shown);
    }
}

void FileCopy::link(const Fd& source, const struct stat& st, const Dir& to, const std::string& name,
                    const std::string& shown) {
    const std::string text = link_text(source, shown);
    const FileOwner owner = rules_.owner.value_or(FileOwner{st.st_uid, st.st_gid});
    place(to, name, shown, [&](const std::string& made) {
        if (::symlinkat(text.c_str(), to.fd().get(), made.c_str()) != 0 ||
            ::fchownat(to.fd().get(), made.c_str(), owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0 ||
            ::utimensat(to.fd().get(), made.c_str(), times_of(st).data(), AT_SYMLINK_NOFOLLOW) != 0)
            throw SysError("making link '{}'", printable(to.path_of(name)));
    });
}

/// Only made by name: the node is new and its mode says at first that nobody may open it.
void FileCopy::node(const struct stat& st, const Dir& to, const std::string& name, const std::string& shown) {
    if (S_ISSOCK(st.st_mode)) return warn("a socket is not copied: '" + printable(shown) + "'");
    if (!S_ISFIFO(st.st_mode) && !rules_.keep_privileges)
        return warn("a device is copied with --archive only: '" + printable(shown) + "'");
    place(to, name, shown, [&](const std::string& made) {
        if (::mknodat(to.fd().get(), made.c_str(), (st.st_mode & S_IFMT) | 0, st.st_rdev) != 0)
            throw SysError("making '{}'", printable(to.path_of(name)));
        const Fd fd{::openat(to.fd().get(), made.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        const FileOwner owner = rules_.owner.value_or(FileOwner{st.st_uid, st.st_gid});
        const std::string by_fd = fmt::format("/proc/self/fd/{}", fd.get());
        if (!fd || ::fchownat(fd.get(), "", owner.uid, owner.gid, AT_EMPTY_PATH) != 0 ||
            ::fchmodat(AT_FDCWD, by_fd.c_str(), st.st_mode & 07777 & ~privileged_bits, 0) != 0 ||
            ::utimensat(AT_FDCWD, by_fd.c_str(), times_of(st).data(), 0) != 0)
            throw SysError("making '{}'", printable(to.path_of(name)));
    });
}

void FileCopy::folder(const Dir& source, const struct stat& st, const Dir& to, const std::string& name) {
    if (own_folder_ == FileId{st.st_dev, st.st_ino}) return;
    bool made = to.make_dir(name, 0700);
    struct stat there;
    if (!made && ::fstatat(to.fd().get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(there.st_mode)) {
        if (!rules_.overwrite)
            throw Error("cannot replace '{}' by folder '{}'", printable(to.path_of(name)), printable(source.path()))
                .with_hint("--overwrite does");
        to.remove_file(name);
        made = to.make_dir(name, 0700);
    }
    const Dir target = to.open_dir(name);
    const struct stat own = facts_of(target.fd(), target.path());
    if (!own_folder_) own_folder_ = FileId{own.st_dev, own.st_ino};
    contents(source, target);
    if (!made) return;
    set_owner_and_mode(target.fd(), st, target.path());
    copy_attributes(source.fd(), target.fd(), rules_.keep_privileges, source.path());
    if (::futimens(target.fd().get(), times_of(st).data()) != 0)
        throw SysError("copying '{}'", printable(source.path()));
}

void FileCopy::child(const Dir& source, const std::string& name, const Dir& to) {
    const std::string shown = source.path_of(name);
    // A descriptor first: whatever the name stands for a moment later, what is looked at is what is copied.
    const Fd fd{::openat(source.fd().get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd) {
        if (errno == ENOENT) return warn("it went meanwhile: '" + printable(shown) + "'");
        throw SysError("opening '{}'", printable(shown));
    }
    item(fd, to, name, shown);
}

void FileCopy::item(const Fd& source, const Dir& to, const std::string& name, const std::string& shown) {
    const struct stat st = facts_of(source, shown);
    switch (st.st_mode & S_IFMT) {
    case S_IFDIR: return folder(Dir(reopen(source, O_RDONLY | O_DIRECTORY, shown), shown), st, to, name);
    case S_IFREG: return file(reopen(source, O_RDONLY | O_NONBLOCK, shown), st, to, name, shown);
    case S_IFLNK: return link(source, st, to, name, shown);
    default: return node(st, to, name, shown);
    }
}

void FileCopy::contents(const Dir& source, const Dir& to) {
    for (const std::string& name : source.names()) child(source, name, to);
}

} // namespace kist::storage
