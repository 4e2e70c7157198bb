// SPDX-License-Identifier: Apache-2.0
// Folders and files that are ours: reads with a bound, atomic replacement, temporary folders.
// Removing trees is in remove_tree.cc.
#include "base/file.hh"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/dir_stream.hh"
#include "base/error.hh"
#include "base/ids.hh"

namespace kist {

namespace {
constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
} // namespace

void Dir::check_name(std::string_view name) const {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos ||
        name.find('\0') != std::string_view::npos)
        throw Error("'{}' in folder '{}' is not a single file name", name, path_);
}

Dir Dir::open(const std::string& path) {
    Fd fd{::open(path.c_str(), folder_flags)};
    if (!fd) throw SysError("opening folder '{}'", path);
    return {std::move(fd), path};
}

std::optional<Dir> Dir::open_if_exists(const std::string& path) {
    Fd fd{::open(path.c_str(), folder_flags)};
    if (!fd && errno == ENOENT) return std::nullopt;
    if (!fd) throw SysError("opening folder '{}'", path);
    return Dir{std::move(fd), path};
}

Dir Dir::create(const std::string& path, mode_t mode) {
    if (auto dir = open_if_exists(path)) return std::move(*dir);
    for (std::size_t end = path.find_first_not_of('/'); end < path.size();) {
        end = std::min(path.find('/', end), path.size());
        const std::string part = path.substr(0, end);
        if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) throw SysError("making folder '{}'", part);
        end = path.find_first_not_of('/', end);
    }
    return open(path);
}

std::string Dir::path_of(std::string_view name) const { return fmt::format("{}/{}", path_, name); }

Dir Dir::open_dir(const std::string& name) const {
    if (auto dir = open_dir_if_exists(name)) return std::move(*dir);
    const std::string path = path_of(name);
    throw SysError(SysError::Code{ENOENT}, "opening folder '{}'", path);
}

std::optional<Dir> Dir::open_dir_if_exists(const std::string& name) const {
    check_name(name);
    std::string path = path_of(name);
    Fd fd{::openat(fd_.get(), name.c_str(), folder_flags | O_NOFOLLOW)};
    if (!fd && errno == ENOENT) return std::nullopt;
    if (!fd) throw SysError("opening folder '{}'", path);
    return Dir{std::move(fd), std::move(path)};
}

Dir Dir::create_dir(const std::string& name, mode_t mode) const {
    make_dir(name, mode);
    return open_dir(name);
}

bool Dir::make_dir(const std::string& name, mode_t mode) const {
    check_name(name);
    if (::mkdirat(fd_.get(), name.c_str(), mode) == 0) return true;
    if (errno == EEXIST) return false;
    throw SysError("making folder '{}/{}'", path_, name);
}

std::optional<Fd> Dir::open_file(const std::string& name, int flags, mode_t mode) const {
    check_name(name);
    Fd fd{::openat(fd_.get(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode)};
    if (fd) return fd;
    if (errno == ENOENT) return std::nullopt;
    throw SysError("opening '{}/{}'", path_, name);
}

bool Dir::exists(const std::string& name) const {
    check_name(name);
    struct stat st;
    if (::fstatat(fd_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) return true;
    if (errno == ENOENT) return false;
    throw SysError("looking for '{}/{}'", path_, name);
}

std::vector<std::string> Dir::names() const {
    // An own open file, so that two readers of one Dir do not share the position.
    Fd fd{::openat(fd_.get(), ".", folder_flags)};
    if (!fd) throw SysError("reading folder '{}'", path_);
    const DirStream stream{::fdopendir(fd.get())};
    if (!stream) throw SysError("reading folder '{}'", path_);
    [[maybe_unused]] const int owned_by_stream = fd.release();
    std::vector<std::string> found;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr && errno != 0) throw SysError("reading folder '{}'", path_);
        if (entry == nullptr) return found;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") found.emplace_back(name);
    }
}

bool Dir::remove_file(const std::string& name) const {
    check_name(name);
    if (::unlinkat(fd_.get(), name.c_str(), 0) == 0) return true;
    if (errno == ENOENT) return false;
    throw SysError("removing '{}/{}'", path_, name);
}

void Dir::sync() const {
    if (::fsync(fd_.get()) != 0) throw SysError("syncing folder '{}'", path_);
}

std::string read_all(const Fd& fd, std::size_t limit, std::string_view what) {
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) throw SysError("reading '{}'", what);
    // A regular file says how long it is, and a read that gives fewer bytes than were asked for ends there: one call for most
    // files. Others (procfs, pipes) are read until they say so.
    const auto size = S_ISREG(st.st_mode) ? static_cast<std::size_t>(st.st_size) : 0;
    std::string bytes;
    for (std::size_t step = size > 0 ? size + 1 : 4096;; step = std::max<std::size_t>(bytes.size(), 4096)) {
        const std::size_t before = bytes.size();
        // One byte beyond the limit is enough to know that it is exceeded.
        const std::size_t wanted = std::min(step, limit + 1 - before);
        bytes.resize(before + wanted);
        const ssize_t got = TEMP_FAILURE_RETRY(::read(fd.get(), bytes.data() + before, wanted));
        if (got < 0) throw SysError("reading '{}'", what);
        bytes.resize(before + static_cast<std::size_t>(got));
        if (bytes.size() > limit) throw Error("reading '{}': larger than the {} bytes allowed", what, limit);
        if (got == 0 || (size > 0 && bytes.size() >= size && static_cast<std::size_t>(got) < wanted)) return bytes;
    }
}

std::optional<std::string> read_file_if_exists(const Dir& dir, const std::string& name, std::size_t limit) {
    const auto fd = dir.open_file(name, O_RDONLY | O_NOCTTY);
    if (!fd) return std::nullopt;
    return read_all(*fd, limit, dir.path_of(name));
}

std::optional<std::string> read_file_if_exists(const std::string& path, std::size_t limit) {
    const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (fd) return read_all(fd, limit, path);
    if (errno == ENOENT) return std::nullopt;
    throw SysError("opening '{}'", path);
}

std::string read_file(const Dir& dir, const std::string& name, std::size_t limit) {
    if (auto bytes = read_file_if_exists(dir, name, limit)) return std::move(*bytes);
    const std::string path = dir.path_of(name);
    throw SysError(SysError::Code{ENOENT}, "opening '{}'", path);
}

std::string read_file(const std::string& path, std::size_t limit) {
    if (auto bytes = read_file_if_exists(path, limit)) return std::move(*bytes);
    throw SysError(SysError::Code{ENOENT}, "opening '{}'", path);
}

void write_atomically(const Dir& dir, const std::string& name, std::string_view bytes, Durability durability) {
    dir.check_name(name);
    const std::string path = dir.path_of(name);
    const std::string temp = std::string(temp_prefix) + random_hex(8);
    const Fd fd{::openat(dir.fd().get(), temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd) throw SysError("writing '{}'", path);
    try {
        write_full(fd, bytes, path);
        if (durability == Durability::durable && ::fsync(fd.get()) != 0) throw SysError("syncing '{}'", path);
        if (::renameat(dir.fd().get(), temp.c_str(), dir.fd().get(), name.c_str()) != 0)
            throw SysError("replacing '{}'", path);
    } catch (...) {
        ::unlinkat(dir.fd().get(), temp.c_str(), 0);
        throw;
    }
    if (durability == Durability::durable) dir.sync();
}

AtomicFiles::~AtomicFiles() {
    for (std::size_t i = placed_; i < files_.size(); ++i)
        ::unlinkat(files_[i].dir->fd().get(), files_[i].temp.c_str(), 0);
}

void AtomicFiles::add(const Dir& dir, const std::string& name, std::string_view bytes) {
    dir.check_name(name);
    const std::string path = dir.path_of(name);
    File file{&dir, name, std::string(temp_prefix) + random_hex(8), {}};
    file.fd.reset(
        ::openat(dir.fd().get(), file.temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.fd) throw SysError("writing '{}'", path);
    files_.push_back(std::move(file));
    write_full(files_.back().fd, bytes, path);
    // The file system finds a place for it now, so that the first fsync below commits all files to the journal and the others
    // find nothing left to do. Only a hint: fsync is what counts.
    ::sync_file_range(files_.back().fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

void AtomicFiles::place() {
    for (const File& file : files_)
        if (const std::string path = file.dir->path_of(file.name); ::fsync(file.fd.get()) != 0)
            throw SysError("syncing '{}'", path);
    for (; placed_ < files_.size(); ++placed_) {
        const File& file = files_[placed_];
        const std::string path = file.dir->path_of(file.name);
        if (::renameat(file.dir->fd().get(), file.temp.c_str(), file.dir->fd().get(), file.name.c_str()) != 0)
            throw SysError("replacing '{}'", path);
    }
}

void AtomicFiles::sync() {
    const Dir* last = nullptr;
    for (const File& file : files_)
        if (std::exchange(last, file.dir) != file.dir) file.dir->sync();
}

TempDir::TempDir(const std::string& parent, std::string_view prefix)
    : path_(fmt::format("{}/{}XXXXXX", parent, prefix)) {
    if (::mkdtemp(path_.data()) == nullptr) throw SysError("making a temporary folder in '{}'", parent);
}

TempDir::TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TempDir::~TempDir() {
    if (path_.empty()) return;
    try {
        const auto slash = path_.rfind('/');
        Dir::open(path_.substr(0, slash)).remove_tree(path_.substr(slash + 1));
    } catch (...) { // a temporary folder that stays is litter, not a failure
    }
}

} // namespace kist
