// SPDX-License-Identifier: Apache-2.0
// Walking a tree and writing its tar.
#include "storage/tree_tar.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::storage {
namespace {

constexpr std::size_t buffer_size = 256u << 10;
constexpr std::size_t small_file = 64u << 10;
/// Files of procfs and sysfs have another size than they say.
constexpr std::size_t odd_file_limit = 16u << 20;

bool is_kept_attribute(std::string_view name) {
    return name.starts_with("user.") || name == "security.capability" || name.starts_with("system.posix_acl_");
}

/// Through the descriptor's name, since O_PATH ones have no attributes to read.
std::vector<std::pair<std::string, std::string>> attributes_of(const Fd& item) {
    const std::string name = fmt::format("/proc/self/fd/{}", item.get());
    std::array<char, XATTR_LIST_MAX> names;
    std::vector<std::pair<std::string, std::string>> found;
    const ssize_t length = ::listxattr(name.c_str(), names.data(), names.size());
    if (length <= 0) return found;
    std::string value(XATTR_SIZE_MAX, '\0');
    for (std::string_view rest(names.data(), static_cast<std::size_t>(length)); !rest.empty();) {
        const std::string key(rest.substr(0, rest.find('\0')));
        rest.remove_prefix(key.size() + 1);
        if (!is_kept_attribute(key)) continue;
        const ssize_t size = ::getxattr(name.c_str(), key.c_str(), value.data(), value.size());
        if (size >= 0) found.emplace_back(key, value.substr(0, static_cast<std::size_t>(size)));
    }
    std::sort(found.begin(), found.end());
    return found;
}

char type_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG: return '0';
    case S_IFLNK: return '2';
    case S_IFCHR: return '3';
    case S_IFBLK: return '4';
    case S_IFDIR: return '5';
    case S_IFIFO: return '6';
    default: return '\0';
    }
}

TarMember member_of(const struct stat& st, const std::string& path) {
    TarMember member;
    member.type = type_of(st.st_mode);
    member.path = path;
    member.mode = st.st_mode & 07777;
    member.uid = st.st_uid;
    member.gid = st.st_gid;
    member.mtime = st.st_mtim;
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
        member.device_major = major(st.st_rdev);
        member.device_minor = minor(st.st_rdev);
    }
    return member;
}

std::string beside(const std::string& path, const std::string& name) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? name : path.substr(0, slash + 1) + name;
}

} // namespace

void TreeTar::put(std::string_view bytes) {
    buffer_ += bytes;
    if (buffer_.size() >= buffer_size) flush();
}

void TreeTar::flush() {
    write_full(out_, buffer_, "the archive");
    buffer_.clear();
}

void TreeTar::finish() {
    put(std::string(1024, '\0'));
    flush();
}

void TreeTar::add_whiteout(const std::string& path) {
    TarMember member;
    member.path = beside(path, ".wh." + path.substr(path.rfind('/') + 1));
    put(tar_headers(member));
}

/// `size` bytes, whatever the file has by now: the header has said so.
void TreeTar::add_data(const Fd& file, std::uint64_t size, const std::string& path) {
    std::uint64_t left = size;
    if (size <= small_file) {
        const std::size_t at = buffer_.size();
        buffer_.resize(at + size);
        left -= read_full(file, {buffer_.data() + at, static_cast<std::size_t>(size)}, printable(path));
        buffer_.resize(at + size - left);
    } else {
        flush();
        while (left > 0) {
            const ssize_t n = ::sendfile(out_.get(), file.get(), nullptr, std::min<std::uint64_t>(left, 1u << 30));
            if (n == 0) break;
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) throw SysError("writing '{}' to the archive", printable(path));
            left -= static_cast<std::uint64_t>(n);
        }
    }
    if (left > 0 && warn_) warn_("'" + printable(path) + "' became shorter while it was read: filled up with zeros");
    for (std::uint64_t zeros = left + tar_padding(size); zeros > 0;) {
        const auto piece = std::min<std::uint64_t>(zeros, buffer_size);
        put(std::string(piece, '\0'));
        zeros -= piece;
    }
}

void TreeTar::add_file(const Fd& item, TarMember member, const struct stat& st) {
    if (st.st_nlink > 1) {
        const auto [known, is_first] = first_names_.emplace(FileId{st.st_dev, st.st_ino}, member.path);
        if (!is_first) {
            member.type = '1';
            member.link = known->second;
            member.xattrs.clear();
            return put(tar_headers(member));
        }
    }
    const Fd file = reopen(item, O_RDONLY | O_NONBLOCK, member.path);
    if (st.st_size == 0) {
        const std::string bytes = read_all(file, odd_file_limit, printable(member.path));
        member.size = bytes.size();
        put(tar_headers(member));
        put(bytes);
        return put(std::string(tar_padding(bytes.size()), '\0'));
    }
    member.size = static_cast<std::uint64_t>(st.st_size);
    put(tar_headers(member));
    add_data(file, member.size, member.path);
}

void TreeTar::add_alone(const Fd& item, const std::string& path) {
    struct stat st;
    if (::fstat(item.get(), &st) != 0) throw SysError("reading '{}'", printable(path));
    TarMember member = member_of(st, path);
    if (member.type == '\0') return; // a socket: it means nothing without the process behind it
    if (S_ISLNK(st.st_mode)) {
        member.link = link_text(item, path);
        return put(tar_headers(member));
    }
    member.xattrs = attributes_of(item);
    if (S_ISREG(st.st_mode)) return add_file(item, std::move(member), st);
    if (S_ISDIR(st.st_mode)) member.path += '/';
    put(tar_headers(member));
}

void TreeTar::add(const Fd& item, const std::string& path) {
    add_alone(item, path);
    struct stat st;
    if (::fstat(item.get(), &st) != 0) throw SysError("reading '{}'", printable(path));
    if (S_ISDIR(st.st_mode)) add_contents(Dir(reopen(item, O_RDONLY | O_DIRECTORY, path), path), path);
}

void TreeTar::add_contents(const Dir& folder, const std::string& path) {
    std::vector<std::string> names = folder.names();
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
        const Fd item{::openat(folder.fd().get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        if (!item && errno == ENOENT) continue; // it went meanwhile
        if (!item) throw SysError("opening '{}'", printable(folder.path_of(name)));
        add(item, path.empty() ? name : path + "/" + name);
    }
}

} // namespace kist::storage
