// SPDX-License-Identifier: Apache-2.0
// Files and folders by descriptor: bounded reads, the one way to persist state, temporary folders.
// Nothing here is for paths inside a container or an untrusted tree: see in_root.hh for those.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "base/fd.hh"

namespace kist {

/// A `name` is always a single file name: an Error for "", ".", ".." and anything with a slash.
/// An open folder and the path the user would recognise it by (for messages only; never used for an access).
class Dir {
public:
    Dir() = default;
    Dir(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

    /// O_DIRECTORY | O_CLOEXEC. Throws SysError "opening folder '<path>'".
    static Dir open(const std::string& path);
    /// The same, or nothing when it does not exist.
    static std::optional<Dir> open_if_exists(const std::string& path);
    /// mkdir -p with `mode` for what is missing, then open.
    static Dir create(const std::string& path, mode_t mode = 0700);

    /// A child folder by single name (O_NOFOLLOW).
    Dir open_dir(const std::string& name) const;
    std::optional<Dir> open_dir_if_exists(const std::string& name) const;
    /// mkdirat if missing, then open.
    Dir create_dir(const std::string& name, mode_t mode = 0700) const;
    /// False when it existed already.
    bool make_dir(const std::string& name, mode_t mode = 0700) const;
    /// openat with O_CLOEXEC | O_NOFOLLOW added; nothing when it does not exist (ENOENT), else throws.
    std::optional<Fd> open_file(const std::string& name, int flags, mode_t mode = 0600) const;
    bool exists(const std::string& name) const;
    /// Names of all entries but . and .., unsorted.
    std::vector<std::string> names() const;
    /// unlinkat; false when it was not there.
    bool remove_file(const std::string& name) const;
    /// Removes a whole tree below `name` without following links or crossing into mounts; false when it was not there.
    bool remove_tree(const std::string& name) const;
    /// fsync of the folder itself, so that entries made or renamed in it survive power loss.
    void sync() const;

    const Fd& fd() const { return fd_; }
    const std::string& path() const { return path_; }
    std::string path_of(std::string_view name) const;
    explicit operator bool() const { return static_cast<bool>(fd_); }

    /// Throws Error unless `name` is a single file name; all members that take one call it.
    void check_name(std::string_view name) const;

private:
    Fd fd_;
    std::string path_;
};

/// Whole file, at most `limit` bytes (more is an Error: every reader of bytes takes a limit, SECURITY P9).
std::string read_file(const Dir&, const std::string& name, std::size_t limit);
std::string read_file(const std::string& path, std::size_t limit);
/// The same, or nothing when the file does not exist.
std::optional<std::string> read_file_if_exists(const Dir&, const std::string& name, std::size_t limit);
std::optional<std::string> read_file_if_exists(const std::string& path, std::size_t limit);
std::string read_all(const Fd&, std::size_t limit, std::string_view what);

/// durable: survives power loss once write() returns (fsync of file and folder). volatile_: for /run and --rm records.
enum class Durability { durable, volatile_ };

/// How the temporary names of write_atomically begin; a reader of a whole folder skips them.
inline constexpr std::string_view temp_prefix = ".tmp-";
/// Replaces `name` in `dir` by `bytes` in one atomic step: temp file in the same folder, [fsync], rename, [fsync of the
/// folder]. The only way state is written. A reader sees the old or the new content, never a mixture. Mode 0600.
void write_atomically(const Dir& dir, const std::string& name, std::string_view bytes, Durability);

/// Several files at once, each as durable as one by write_atomically, for little more than the cost of one.
class AtomicFiles {
public:
    AtomicFiles() = default;
    AtomicFiles(const AtomicFiles&) = delete;
    AtomicFiles& operator=(const AtomicFiles&) = delete;
    /// What was not placed is removed.
    ~AtomicFiles();
    /// `dir` must outlive this object. Begins to write.
    void add(const Dir& dir, const std::string& name, std::string_view bytes);
    /// The contents are on disk and visible, in the order in which they were added; power loss may still take the names back.
    void place();
    /// It may not any more.
    void sync();

private:
    struct File {
        const Dir* dir;
        std::string name, temp;
        Fd fd;
    };
    std::vector<File> files_;
    std::size_t placed_ = 0;
};

/// A folder made by mkdtemp below `parent`, removed with its contents when this object goes.
class TempDir {
public:
    explicit TempDir(const std::string& parent = "/tmp", std::string_view prefix = "kist-");
    TempDir(TempDir&&) noexcept;
    TempDir& operator=(TempDir&&) = delete;
    ~TempDir();
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

} // namespace kist
