// SPDX-License-Identifier: Apache-2.0
// Merging one tree into another by descriptors and single names: what images bring can point anywhere, so nothing is followed.
#include "storage/tree_copy.hh"

#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <string_view>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hh"
#include "storage/changes.hh"

namespace kist::storage {
namespace {

constexpr std::string_view overlay_attributes = "trusted.overlay.";
constexpr const char* opaque_attribute = "trusted.overlay.opaque";

bool is_opaque(const Dir& dir) {
    char value = 0;
    return ::fgetxattr(dir.fd().get(), opaque_attribute, &value, 1) == 1 && value == 'y';
}

void copy_attributes(const Fd& from, const Fd& to, const std::string& path) {
    std::array<char, 64 << 10> names;
    const ssize_t length = ::flistxattr(from.get(), names.data(), names.size());
    if (length < 0 && errno == ENOTSUP) return;
    if (length < 0) throw SysError("copying the attributes of '{}'", path);
    std::string value(64 << 10, '\0');
    for (std::string_view rest(names.data(), static_cast<std::size_t>(length)); !rest.empty();) {
        const std::string name(rest.substr(0, rest.find('\0')));
        rest.remove_prefix(name.size() + 1);
        if (name.starts_with(overlay_attributes)) continue;
        const ssize_t size = ::fgetxattr(from.get(), name.c_str(), value.data(), value.size());
        if (size < 0 || ::fsetxattr(to.get(), name.c_str(), value.data(), static_cast<std::size_t>(size), 0) != 0)
            throw SysError("copying attribute '{}' of '{}'", name, path);
    }
}

void copy_metadata(const struct stat& st, const Fd& from, const Fd& to, const std::string& path) {
    if (::fchown(to.get(), st.st_uid, st.st_gid) != 0 || ::fchmod(to.get(), st.st_mode & 07777) != 0)
        throw SysError("copying '{}'", path);
    copy_attributes(from, to, path);
    const std::array<timespec, 2> times{st.st_atim, st.st_mtim};
    if (::futimens(to.get(), times.data()) != 0) throw SysError("copying '{}'", path);
}

void copy_contents(const Fd& from, const Fd& to, const std::string& path) {
    if (::ioctl(to.get(), FICLONE, from.get()) == 0) return;
    constexpr std::size_t piece = 64u << 20;
    ssize_t n;
    while ((n = ::copy_file_range(from.get(), nullptr, to.get(), nullptr, piece, 0)) != 0)
        if (n < 0) throw SysError("copying '{}'", path);
}

class Merge {
public:
    explicit Merge(const Dir& root) : root_(root) {}

    void folder(const Dir& from, const Dir& to, const std::string& inside) {
        for (const std::string& name : from.names()) entry(from, to, name, inside + "/" + name);
        struct stat st;
        if (::fstat(from.fd().get(), &st) != 0) throw SysError("copying '{}'", inside);
        copy_metadata(st, from.fd(), to.fd(), from.path());
    }

private:
    void entry(const Dir& from, const Dir& to, const std::string& name, const std::string& inside) {
        struct stat st;
        if (::fstatat(from.fd().get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
            throw SysError("copying '{}'", inside);
        if (S_ISDIR(st.st_mode)) return subfolder(from, to, name, inside);
        to.remove_tree(name);
        if (is_whiteout(st)) return;
        if (S_ISREG(st.st_mode)) return file(from, to, name, st, inside);
        if (S_ISLNK(st.st_mode)) link(from, to, name, inside);
        else if (::mknodat(to.fd().get(), name.c_str(), st.st_mode, st.st_rdev) != 0 ||
                 ::fchmodat(to.fd().get(), name.c_str(), st.st_mode & 07777, 0) != 0)
            throw SysError("copying '{}'", inside);
        const std::array<timespec, 2> times{st.st_atim, st.st_mtim};
        if (::fchownat(to.fd().get(), name.c_str(), st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) != 0 ||
            ::utimensat(to.fd().get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
            throw SysError("copying '{}'", inside);
    }

    void subfolder(const Dir& from, const Dir& to, const std::string& name, const std::string& inside) {
        const Dir source = from.open_dir(name);
        struct stat there;
        const bool exists = ::fstatat(to.fd().get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
        if (exists && (!S_ISDIR(there.st_mode) || is_opaque(source))) to.remove_tree(name);
        folder(source, to.create_dir(name), inside);
    }

    void link(const Dir& from, const Dir& to, const std::string& name, const std::string& inside) {
        std::array<char, PATH_MAX> target;
        const ssize_t length = ::readlinkat(from.fd().get(), name.c_str(), target.data(), target.size() - 1);
        if (length < 0) throw SysError("copying '{}'", inside);
        target[static_cast<std::size_t>(length)] = '\0';
        if (::symlinkat(target.data(), to.fd().get(), name.c_str()) != 0) throw SysError("copying '{}'", inside);
    }

    void file(const Dir& from, const Dir& to, const std::string& name, const struct stat& st,
              const std::string& inside) {
        if (st.st_nlink > 1) {
            // What this pass has made are folders and files, never a link on the way, so the path leads where it says.
            const auto [known, is_new] = first_names_.emplace(st.st_ino, inside.substr(1));
            if (!is_new) {
                if (::linkat(root_.fd().get(), known->second.c_str(), to.fd().get(), name.c_str(), 0) != 0)
                    throw SysError("copying '{}'", inside);
                return;
            }
        }
        const auto source = from.open_file(name, O_RDONLY | O_NONBLOCK);
        const auto target = to.open_file(name, O_WRONLY | O_CREAT | O_EXCL);
        if (!source || !target) throw Error("copying '{}': it vanished", inside);
        copy_contents(*source, *target, inside);
        copy_metadata(st, *source, *target, inside);
    }

    const Dir& root_;
    std::map<ino_t, std::string> first_names_;
};

} // namespace

void apply_layer(const Dir& diff, const Dir& root) { Merge(root).folder(diff, root, ""); }

} // namespace kist::storage
