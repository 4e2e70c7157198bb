// SPDX-License-Identifier: Apache-2.0
// Looking up the ends of cp.
#include "engine/copy_place.hh"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "base/text.hh"
#include "storage/copy_files.hh"

namespace kist::engine {

namespace {

constexpr int most_links = 40;

struct stat facts_of(const Fd& fd, const std::string& shown) {
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) throw SysError("reading '{}'", shown);
    return st;
}

/// "a/b" gives "a", "b" gives ".", "/b" gives "/".
std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string without_slashes(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

std::string last_part(const std::string& path) {
    const std::string plain = without_slashes(path);
    const std::string name = plain.substr(plain.rfind('/') + 1);
    return name == "." || name == ".." ? "" : name;
}

std::optional<Dir> folder_if_exists(const CopySide& side, const std::string& path) {
    auto fd = side.open_if_exists(path, O_RDONLY | O_DIRECTORY);
    if (!fd) return std::nullopt;
    return Dir(std::move(*fd), side.shown(path));
}

/// The name that a path leads to, links at its end followed by hand: what is there can then be replaced. Only the text of a
/// link is used, and it is looked up again inside the same tree.
CopyTarget locate(const CopySide& side, const std::string& text) {
    std::string path = without_slashes(text);
    for (int links = 0; links < most_links; ++links) {
        const std::string name = last_part(path);
        auto folder = folder_if_exists(side, name.empty() ? path : parent_of(path));
        if (!folder)
            throw NotFound("no such folder: {}", side.shown(parent_of(path)))
                .with_hint("the folder that a copy goes to must exist");
        if (name.empty()) return {std::move(*folder), ""};
        const Fd there{::openat(folder->fd().get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        if (!there || !S_ISLNK(facts_of(there, path).st_mode)) return {std::move(*folder), name};
        const std::string target = storage::link_text(there, path);
        path = without_slashes(target.starts_with('/') ? target : parent_of(path) + "/" + target);
    }
    throw SysError(SysError::Code{ELOOP}, "copying to '{}'", side.shown(text));
}

} // namespace

std::optional<Fd> CopySide::open_if_exists(const std::string& path, int flags) const {
    if (root_ != nullptr) return open_in_root_if_exists(*root_, path, flags);
    Fd fd{::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY)};
    if (fd) return fd;
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw SysError("opening '{}'", path);
}

std::string CopySide::shown(const std::string& path) const { return is_host() ? path : name_ + ":" + path; }

CopyPath parse_copy_path(const std::string& text) {
    CopyPath parsed;
    parsed.path = text;
    parsed.is_folder = text.ends_with('/');
    const std::string plain = without_slashes(text);
    parsed.is_contents =
        plain == "." || plain == "/" || plain == ".." || plain.ends_with("/.") || plain.ends_with("/..");
    if (!parsed.is_contents) parsed.name = last_part(plain);
    return parsed;
}

CopySource find_source(const CopySide& side, const std::string& path, Links links) {
    CopySource source;
    source.path = parse_copy_path(path);
    source.shown = side.shown(path);
    const bool follow = links == Links::follow || source.path.is_folder || source.path.is_contents;
    auto item = side.open_if_exists(path, O_PATH | (follow ? 0 : O_NOFOLLOW));
    if (!item) throw NotFound("no such file or folder: {}", source.shown);
    source.item = std::move(*item);
    source.mode = facts_of(source.item, source.shown).st_mode;
    if ((source.path.is_contents || source.path.is_folder) && !S_ISDIR(source.mode))
        throw SysError(SysError::Code{ENOTDIR}, "copying '{}'", source.shown);
    return source;
}

CopyTarget find_target(const CopySide& side, const std::string& path, const CopySource& source) {
    if (auto folder = folder_if_exists(side, path)) return {std::move(*folder), source.path.name};
    CopyTarget target = locate(side, path);
    const bool is_taken = target.folder.exists(target.name);
    const bool is_folder = S_ISDIR(source.mode);
    if (path.ends_with('/') && (is_taken || !is_folder))
        throw SysError(SysError::Code{is_taken ? ENOTDIR : ENOENT}, "copying to folder '{}'", side.shown(path));
    if (!source.path.is_contents) return target;
    if (is_taken) throw SysError(SysError::Code{ENOTDIR}, "copying to folder '{}'", side.shown(path));
    return target;
}

Dir find_folder(const CopySide& side, const std::string& path) {
    auto item = side.open_if_exists(path, O_PATH);
    if (!item) throw NotFound("no such folder: {}", side.shown(path));
    if (!S_ISDIR(facts_of(*item, path).st_mode))
        throw SysError(SysError::Code{ENOTDIR}, "unpacking to '{}'", side.shown(path));
    return Dir(std::move(*item), side.shown(path));
}

} // namespace kist::engine
