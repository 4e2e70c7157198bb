// SPDX-License-Identifier: Apache-2.0
// openat2(2) by system call: the C library of Debian 12 has no wrapper. The kernel does all resolving; the only paths put
// together here are handed to it again, relative to the same root.
#include "base/in_root.hh"

#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"

namespace kist {

namespace {

// openat2 gives up with EAGAIN when something was renamed meanwhile; a hostile renamer must not hold us for ever.
constexpr int max_attempts = 128;
// As many links as the kernel follows in one path.
constexpr int max_links = 40;

/// -1 and errno on failure.
int try_open(const Fd& root, const std::string& path, int flags, mode_t mode) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
    how.mode = (flags & O_CREAT) != 0 ? mode : 0;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    for (int attempt = 0;; ++attempt) {
        const long fd = ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || attempt == max_attempts) return static_cast<int>(fd);
        ::sched_yield();
    }
}

/// A zero byte would cut the path short without a word.
std::string checked(std::string_view path) {
    if (path.find('\0') != std::string_view::npos) throw Error("a path in the container holds a zero byte");
    return std::string(path);
}

/// The umask of whoever called kist has no say in the container.
void set_mode(const Fd& fd, mode_t mode, const std::string& path) {
    struct stat st;
    if (::fstat(fd.get(), &st) != 0 || ((st.st_mode & 07777) != mode && ::fchmod(fd.get(), mode) != 0))
        throw SysError("setting the mode of '{}' in the container", path);
}

/// The folder `prefix` was not there: makes its last component `name` below `parent`.
Fd make_component(const Fd& root, const Fd& parent, const std::string& name, const std::string& prefix, mode_t mode) {
    const bool made = ::mkdirat(parent.get(), name.c_str(), mode) == 0;
    if (!made && errno != EEXIST) throw SysError("making folder '{}' in the container", prefix);
    if (!made) { // another process was quicker, or a link that points nowhere
        Fd other{try_open(root, prefix, O_RDONLY | O_DIRECTORY, 0)};
        if (!other) throw SysError("opening folder '{}' in the container", prefix);
        return other;
    }
    Fd fd{::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd) throw SysError("opening folder '{}' in the container", prefix);
    set_mode(fd, mode, prefix);
    return fd;
}

struct Split {
    std::string parent;
    std::string name;
};

Split split_path(const std::string& path) {
    const auto slash = path.rfind('/');
    Split parts =
        slash == std::string::npos ? Split{".", path} : Split{path.substr(0, slash + 1), path.substr(slash + 1)};
    if (parts.name.empty() || parts.name == "." || parts.name == "..")
        throw SysError(SysError::Code{EISDIR}, "making file '{}' in the container", path);
    return parts;
}

/// What the link `name` in `parent` says; nothing when it is no link.
std::optional<std::string> read_link(const Fd& parent, const std::string& name) {
    std::string target(4096, '\0');
    const ssize_t n = ::readlinkat(parent.get(), name.c_str(), target.data(), target.size());
    if (n < 0) return std::nullopt;
    target.resize(static_cast<std::size_t>(n));
    return target;
}

} // namespace

Fd open_in_root(const Fd& root, std::string_view path, int flags, mode_t mode) {
    const std::string inside = checked(path);
    Fd fd{try_open(root, inside, flags, mode)};
    if (!fd) throw SysError("opening '{}' in the container", inside);
    return fd;
}

std::optional<Fd> open_in_root_if_exists(const Fd& root, std::string_view path, int flags) {
    const std::string inside = checked(path);
    Fd fd{try_open(root, inside, flags, 0)};
    if (fd) return fd;
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw SysError("opening '{}' in the container", inside);
}

Fd make_dirs_in_root(const Fd& root, std::string_view path, mode_t mode) {
    const std::string whole = path.empty() ? "." : checked(path);
    Fd current{try_open(root, whole, O_RDONLY | O_DIRECTORY, 0)};
    if (current) return current;
    if (errno != ENOENT) throw SysError("opening folder '{}' in the container", whole);

    current = open_in_root(root, ".", O_RDONLY | O_DIRECTORY);
    for (std::size_t at = whole.find_first_not_of('/'); at < whole.size();) {
        const std::size_t end = std::min(whole.find('/', at), whole.size());
        const std::string prefix = whole.substr(0, end);
        Fd next{try_open(root, prefix, O_RDONLY | O_DIRECTORY, 0)};
        if (!next && errno != ENOENT) throw SysError("opening folder '{}' in the container", prefix);
        if (!next) next = make_component(root, current, whole.substr(at, end - at), prefix, mode);
        current = std::move(next);
        at = whole.find_first_not_of('/', end);
    }
    return current;
}

Fd make_file_in_root(const Fd& root, std::string_view path, mode_t mode) {
    std::string inside = checked(path);
    for (int links = 0; links <= max_links; ++links) {
        const Split parts = split_path(inside);
        if (Fd fd{try_open(root, inside, O_PATH, 0)}) {
            struct stat st;
            if (::fstat(fd.get(), &st) != 0) throw SysError("opening '{}' in the container", inside);
            if (S_ISDIR(st.st_mode))
                throw SysError(SysError::Code{EISDIR}, "making file '{}' in the container", inside);
            return fd;
        }
        if (errno != ENOENT) throw SysError("opening '{}' in the container", inside);
        const Fd parent = make_dirs_in_root(root, parts.parent);
        const Fd made{
            ::openat(parent.get(), parts.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
        if (made) {
            set_mode(made, mode, inside);
            Fd fd{::openat(parent.get(), parts.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
            if (!fd) throw SysError("opening '{}' in the container", inside);
            return fd;
        }
        if (errno != EEXIST) throw SysError("making file '{}' in the container", inside);
        // A link whose target is missing (resolv.conf of many images): the file is made where it points.
        if (const auto target = read_link(parent, parts.name))
            inside = target->starts_with('/') ? *target : parts.parent + "/" + *target;
    }
    throw SysError(SysError::Code{ELOOP}, "making file '{}' in the container", path);
}

std::optional<std::string> read_in_root(const Fd& root, std::string_view path, std::size_t limit) {
    // Looked at before it is opened: merely opening a device can have effects.
    const auto look = open_in_root_if_exists(root, path, O_PATH);
    if (!look) return std::nullopt;
    const auto check_regular = [&](const Fd& fd) {
        struct stat st;
        if (::fstat(fd.get(), &st) != 0) throw SysError("reading '{}' in the container", path);
        if (!S_ISREG(st.st_mode)) throw Error("reading '{}' in the container: not a regular file", path);
    };
    check_regular(*look);
    const auto fd = open_in_root_if_exists(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd) return std::nullopt;
    check_regular(*fd);
    return read_all(*fd, limit, path);
}

std::string clean_path(std::string_view path) {
    const bool absolute = path.starts_with('/');
    std::vector<std::string_view> kept;
    for (std::size_t at = path.find_first_not_of('/'); at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view part = path.substr(at, end - at);
        if (part == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (part != ".") {
            kept.push_back(part);
        }
        at = path.find_first_not_of('/', end);
    }
    std::string out;
    for (const std::string_view part : kept) {
        if (absolute || !out.empty()) out += '/';
        out += part;
    }
    if (out.empty()) return absolute ? "/" : ".";
    return out;
}

} // namespace kist
