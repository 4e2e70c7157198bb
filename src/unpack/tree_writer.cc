// SPDX-License-Identifier: Apache-2.0
// Entries of a tar as files, folders, links, devices and whiteouts below one descriptor.
#include "unpack/tree_writer.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "base/text.hh"
#include "unpack/limits.hh"

namespace kist::unpack {
namespace {

constexpr std::size_t most_open_parents = 256;
constexpr std::string_view whiteout_prefix = ".wh.";
constexpr std::string_view whiteout_meta_prefix = ".wh..wh.";
constexpr std::string_view opaque_name = ".wh..wh..opq";
constexpr const char* opaque_attribute = "trusted.overlay.opaque";
constexpr std::string_view default_acl = "system.posix_acl_default";

/// What an image may bring: nothing of overlay's own (trusted.overlay.redirect would be a door) and no labels of the host.
bool is_allowed_xattr(std::string_view name) {
    return name.starts_with("user.") || name == "security.capability" || name == "system.posix_acl_access" ||
           name == default_acl;
}

std::array<timespec, 2> times_of(const TarTime& time) {
    const timespec at{static_cast<time_t>(time.seconds), static_cast<long>(time.nanoseconds)};
    return {at, at};
}

void set_xattr(const Fd& fd, const std::string& name, const std::string& value) {
    if (::fsetxattr(fd.get(), name.c_str(), value.data(), value.size(), 0) == 0) return;
    if (errno == ENOTSUP && name.starts_with("user.")) return;
    throw SysError("setting attribute '{}'", printable(name));
}

bool is_whiteout(const struct stat& st) { return S_ISCHR(st.st_mode) && st.st_rdev == 0; }

/// Writes the pieces of a sparse file where they belong; the map may be the first part of the data (pax 1.0).
class SparseFile {
public:
    SparseFile(const Entry& entry, const Fd& file) : entry_(entry), file_(file), pieces_(entry.pieces) {
        if (::ftruncate(file.get(), static_cast<off_t>(entry.real_size)) != 0) throw SysError("making a sparse file");
        map_known_ = !entry.has_sparse_map_in_payload;
        if (map_known_) check_pieces(pieces_, entry.real_size, entry.payload);
    }
    void feed(std::string_view bytes) {
        if (!map_known_) {
            head_.append(bytes);
            if (head_.size() > (16u << 20)) throw Error("a sparse map is too long");
            auto map = parse_sparse_map(head_);
            if (!map || map->second > head_.size()) return;
            pieces_ = std::move(map->first);
            check_pieces(pieces_, entry_.real_size, entry_.payload - map->second);
            map_known_ = true;
            bytes = std::string_view(head_).substr(map->second);
        }
        write(bytes);
    }
    void finish() const {
        if (!map_known_) throw Error("a sparse map is malformed");
    }

private:
    void write(std::string_view bytes) {
        while (!bytes.empty() && at_ < pieces_.size()) {
            const SparsePiece& piece = pieces_[at_];
            const std::string_view part = bytes.substr(0, std::min<std::uint64_t>(bytes.size(), piece.size - done_));
            const ssize_t n = part.empty() ? 0
                                           : ::pwrite(file_.get(), part.data(), part.size(),
                                                      static_cast<off_t>(piece.offset + done_));
            if (n < 0) throw SysError("writing a sparse file");
            done_ += static_cast<std::uint64_t>(n);
            bytes.remove_prefix(static_cast<std::size_t>(n));
            if (done_ == piece.size) {
                ++at_;
                done_ = 0;
            }
        }
    }
    const Entry& entry_;
    const Fd& file_;
    std::vector<SparsePiece> pieces_;
    std::string head_;
    bool map_known_ = false;
    std::size_t at_ = 0;
    std::uint64_t done_ = 0;
};

} // namespace

std::string clean_entry_path(std::string_view name) {
    std::vector<std::string> parts;
    for (std::string& part : split(name, '/')) {
        if (part.empty() || part == ".") continue;
        if (part.size() > limits::component_bytes)
            throw Error("a name has a part longer than {} bytes", limits::component_bytes);
        if (part != "..") {
            parts.push_back(std::move(part));
        } else {
            if (parts.empty()) throw Error("the name leads out of the archive's root");
            parts.pop_back();
        }
    }
    return join(parts, "/");
}

TreeWriter::TreeWriter(const Dir& layer, TarReader& tar) : layer_(&layer), tar_(tar) {
    root_ = std::move(*layer.open_file("diff", O_RDONLY | O_DIRECTORY));
}

TreeWriter::TreeWriter(Fd root, TarReader& tar, storage::ExtractRequest rules)
    : root_(std::move(root)), rules_(std::move(rules)), tar_(tar) {}

/// What gives power is left out unless it was asked for.
Entry TreeWriter::as_ruled(const Entry& entry) const {
    Entry ruled = entry;
    if (rules_->owner) {
        ruled.uid = rules_->owner->uid;
        ruled.gid = rules_->owner->gid;
    }
    if (rules_->keep_privileges) return ruled;
    ruled.mode &= ~static_cast<std::uint32_t>(S_ISUID | S_ISGID);
    std::erase_if(ruled.xattrs, [](const auto& xattr) { return !xattr.first.starts_with("user."); });
    if (ruled.type == EntryType::character_device || ruled.type == EntryType::block_device)
        ruled.type = EntryType::ignored;
    return ruled;
}

/// The cleaned name of an entry, below the folder that it is to go to.
std::string TreeWriter::path_in_root(const std::string& name) const {
    const std::string path = clean_entry_path(name);
    if (is_layer() || rules_->path.empty()) return path;
    return path.empty() ? rules_->path : rules_->path + "/" + path;
}

void TreeWriter::add(const Entry& entry) {
    try {
        if (is_layer()) return dispatch(entry, clean_entry_path(entry.path));
        // The folder that it is unpacked to stays as it is.
        if (clean_entry_path(entry.path).empty()) return tar_.keep_payload(entry);
        dispatch(as_ruled(entry), path_in_root(entry.path));
    } catch (Error& error) {
        error.while_doing("entry '{}'", printable(entry.path));
        throw;
    }
}

void TreeWriter::dispatch(const Entry& entry, const std::string& path) {
    ++entries_;
    if (entry.type == EntryType::ignored) return tar_.keep_payload(entry);
    if (path.empty()) return add_root(entry);
    const Place place = place_of(path);
    if (is_layer() && add_whiteout(entry, place)) return;
    switch (entry.type) {
    case EntryType::file: return add_file(entry, place);
    case EntryType::folder: return add_folder(entry, place);
    case EntryType::symlink: return add_symlink(entry, place);
    case EntryType::hard_link: return add_hard_link(entry, place);
    default: return add_node(entry, place);
    }
}

int TreeWriter::parent_of(const std::string& path) {
    if (path.empty()) return root_.get();
    if (std::exchange(parents_are_stale_, false)) parents_.clear();
    if (const auto known = parents_.find(path); known != parents_.end()) return known->second.get();
    auto fd = open_in_root_if_exists(root_, path, O_PATH | O_DIRECTORY);
    if (!fd) fd = make_dirs_in_root(root_, path, 0755);
    if (parents_.size() >= most_open_parents) parents_.clear();
    return parents_.emplace(path, std::move(*fd)).first->second.get();
}

TreeWriter::Place TreeWriter::place_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return {root_.get(), path, path};
    return {parent_of(path.substr(0, slash)), path.substr(slash + 1), path};
}

/// The old entry of that name goes. A file whose contents tar-split refers to is kept aside.
bool TreeWriter::clear(const Place& place) {
    struct stat st;
    if (::fstatat(place.parent, place.leaf.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return false;
        throw SysError("replacing what was there");
    }
    if (!is_layer() && S_ISDIR(st.st_mode) && !rules_->overwrite)
        throw Error("a folder of that name is there and is not replaced");
    if (is_layer() && S_ISREG(st.st_mode) && st.st_size > 0) {
        const Dir aside = layer_->create_dir("replaced");
        if (::renameat(place.parent, place.leaf.c_str(), aside.fd().get(), std::to_string(replaced_).c_str()) != 0)
            throw SysError("replacing what was there");
        tar_.split().replaced(place.path, replaced_++);
    } else if (S_ISDIR(st.st_mode)) {
        parents_are_stale_ = true;
        const Dir parent(Fd{::openat(place.parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)}, "the layer");
        if (!parent) throw SysError("replacing a folder");
        parent.remove_tree(place.leaf);
    } else {
        if (S_ISLNK(st.st_mode)) parents_are_stale_ = true;
        if (::unlinkat(place.parent, place.leaf.c_str(), 0) != 0) throw SysError("replacing what was there");
    }
    return is_whiteout(st);
}

void TreeWriter::add_root(const Entry& entry) {
    if (entry.type != EntryType::folder) throw Error("the root of an archive must be a folder");
    apply_metadata(entry, root_, false);
    folder_times_.push_back({"", entry.mtime});
}

void TreeWriter::make_opaque(const std::string& folder) {
    const Fd fd = open_in_root(root_, folder.empty() ? "/" : folder, O_RDONLY | O_DIRECTORY);
    if (::fsetxattr(fd.get(), opaque_attribute, "y", 1, 0) != 0) throw SysError("marking a folder opaque");
}

bool TreeWriter::add_whiteout(const Entry& entry, const Place& place) {
    if (!place.leaf.starts_with(whiteout_prefix)) return false;
    tar_.keep_payload(entry);
    const auto slash = place.path.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : place.path.substr(0, slash);
    if (place.leaf == opaque_name) {
        make_opaque(folder);
        return true;
    }
    if (place.leaf.starts_with(whiteout_meta_prefix)) return true; // bookkeeping of aufs
    const std::string hidden = place.leaf.substr(whiteout_prefix.size());
    if (hidden.empty() || hidden == "." || hidden == "..") throw Error("a whiteout must name a file");
    if (::mknodat(place.parent, hidden.c_str(), S_IFCHR, ::makedev(0, 0)) == 0) return true;
    if (errno != EEXIST) throw SysError("making a whiteout");
    // What this layer itself brings stays; of the layers below nothing may show through it.
    struct stat st;
    if (::fstatat(place.parent, hidden.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        make_opaque(folder.empty() ? hidden : folder + "/" + hidden);
    return true;
}

Fd TreeWriter::create_file(const Entry& entry, const Place& place) {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    Fd fd{::openat(place.parent, place.leaf.c_str(), flags, entry.mode & 0777)};
    if (!fd && errno == EEXIST) {
        clear(place);
        fd.reset(::openat(place.parent, place.leaf.c_str(), flags, entry.mode & 0777));
    }
    if (!fd) throw SysError("making a file");
    return fd;
}

void TreeWriter::add_file(const Entry& entry, const Place& place) {
    const Fd fd = create_file(entry, place);
    if (entry.is_sparse) write_sparse(entry, fd);
    else write_plain(entry, place, fd);
    apply_metadata(entry, fd, true);
    const auto times = times_of(entry.mtime);
    if (::futimens(fd.get(), times.data()) != 0) throw SysError("setting the time");
}

void TreeWriter::write_plain(const Entry& entry, const Place& place, const Fd& fd) {
    if (entry.payload > 0) tar_.split().contents(place.path, entry.payload);
    tar_.take_payload(entry, [&](std::string_view bytes) { write_full(fd, bytes, "the layer"); });
    bytes_ += entry.payload;
}

void TreeWriter::write_sparse(const Entry& entry, const Fd& fd) {
    SparseFile file(entry, fd);
    tar_.keep_payload(entry, [&](std::string_view bytes) { file.feed(bytes); });
    file.finish();
    bytes_ += entry.payload;
}

/// The order matters: a change of owner clears setuid and file capabilities.
void TreeWriter::apply_metadata(const Entry& entry, const Fd& fd, bool is_fresh_root_file) {
    const bool mode_is_set = is_fresh_root_file && (entry.mode & 07000) == 0 && !seen_setgid_folder_;
    if (!is_fresh_root_file || entry.uid != 0 || entry.gid != 0 || seen_setgid_folder_)
        if (::fchown(fd.get(), entry.uid, entry.gid) != 0) throw SysError("setting the owner");
    if (!mode_is_set && ::fchmod(fd.get(), entry.mode) != 0) throw SysError("setting the mode");
    for (const auto& [name, value] : entry.xattrs) {
        if (!is_allowed_xattr(name)) continue;
        if (name == default_acl) folder_attributes_.push_back({path_in_root(entry.path), name, value});
        else set_xattr(fd, name, value);
    }
}

void TreeWriter::add_folder(const Entry& entry, const Place& place) {
    struct stat st;
    bool was_whiteout = false;
    if (::mkdirat(place.parent, place.leaf.c_str(), entry.mode & 0777) != 0) {
        if (errno != EEXIST) throw SysError("making a folder");
        if (::fstatat(place.parent, place.leaf.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
            throw SysError("making a folder");
        if (!is_layer() && S_ISDIR(st.st_mode)) return; // it keeps its own owner, mode and time
        if (!is_layer() && !rules_->overwrite) throw Error("what is there is no folder and is not replaced by one");
        if (!S_ISDIR(st.st_mode)) {
            was_whiteout = clear(place);
            if (::mkdirat(place.parent, place.leaf.c_str(), entry.mode & 0777) != 0) throw SysError("making a folder");
        }
    }
    const Fd fd{::openat(place.parent, place.leaf.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd) throw SysError("making a folder");
    apply_metadata(entry, fd, false);
    if ((entry.mode & S_ISGID) != 0) seen_setgid_folder_ = true;
    if (was_whiteout && is_layer()) make_opaque(place.path);
    folder_times_.push_back({place.path, entry.mtime});
}

void TreeWriter::add_symlink(const Entry& entry, const Place& place) {
    if (entry.link.empty()) throw Error("a symbolic link must point somewhere");
    if (::symlinkat(entry.link.c_str(), place.parent, place.leaf.c_str()) != 0) {
        if (errno != EEXIST) throw SysError("making a symbolic link");
        clear(place);
        if (::symlinkat(entry.link.c_str(), place.parent, place.leaf.c_str()) != 0)
            throw SysError("making a symbolic link");
    }
    if (::fchownat(place.parent, place.leaf.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
        throw SysError("setting the owner");
    const auto times = times_of(entry.mtime);
    if (::utimensat(place.parent, place.leaf.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
        throw SysError("setting the time");
}

void TreeWriter::add_hard_link(const Entry& entry, const Place& place) {
    const std::string target_path = path_in_root(entry.link);
    if (clean_entry_path(entry.link).empty()) throw Error("a hard link to the root");
    if (target_path == place.path) throw Error("a hard link to itself");
    // Looking for the second parent may empty the cache, so the first is held by a descriptor of its own.
    const Fd parent{::openat(place.parent, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    const Place target = place_of(target_path);
    const Place here{parent.get(), place.leaf, place.path};
    const auto link = [&] {
        return ::linkat(target.parent, target.leaf.c_str(), here.parent, here.leaf.c_str(), 0) == 0;
    };
    if (link()) return;
    if (errno == EEXIST) {
        struct stat old, wanted;
        if (::fstatat(here.parent, here.leaf.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0 &&
            ::fstatat(target.parent, target.leaf.c_str(), &wanted, AT_SYMLINK_NOFOLLOW) == 0 &&
            old.st_dev == wanted.st_dev && old.st_ino == wanted.st_ino)
            return;
        clear(here);
        if (link()) return;
    }
    throw SysError("making a hard link to '{}'", printable(entry.link));
}

void TreeWriter::add_node(const Entry& entry, const Place& place) {
    const mode_t type = entry.type == EntryType::fifo           ? S_IFIFO
                        : entry.type == EntryType::block_device ? S_IFBLK
                                                                : S_IFCHR;
    const dev_t device = ::makedev(entry.device_major, entry.device_minor);
    const auto make = [&] {
        return ::mknodat(place.parent, place.leaf.c_str(), type | (entry.mode & 07777), device) == 0;
    };
    if (!make()) {
        if (errno != EEXIST) throw SysError("making a device or FIFO");
        clear(place);
        if (!make()) throw SysError("making a device or FIFO");
    }
    if (::fchownat(place.parent, place.leaf.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
        throw SysError("setting the owner");
    // Not a link: it was made just now and nobody else writes into a layer. Elsewhere the mode it was made with has to do.
    if (is_layer() && ::fchmodat(place.parent, place.leaf.c_str(), entry.mode, 0) != 0)
        throw SysError("setting the mode");
    const auto times = times_of(entry.mtime);
    if (::utimensat(place.parent, place.leaf.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
        throw SysError("setting the time");
}

void TreeWriter::finish() {
    for (const FolderAttribute& attribute : folder_attributes_) {
        const auto fd = open_in_root_if_exists(root_, attribute.path, O_RDONLY | O_DIRECTORY);
        if (fd) set_xattr(*fd, attribute.name, attribute.value);
    }
    for (const FolderTime& folder : folder_times_) {
        const auto times = times_of(folder.time);
        if (folder.path.empty()) {
            if (::futimens(root_.get(), times.data()) != 0) throw SysError("setting the time of the root");
            continue;
        }
        const auto slash = folder.path.rfind('/');
        // A folder may have been replaced since; what took its place has its own time.
        struct stat st;
        const std::string leaf = folder.path.substr(slash == std::string::npos ? 0 : slash + 1);
        const int parent = slash == std::string::npos ? root_.get() : parent_of(folder.path.substr(0, slash));
        if (::fstatat(parent, leaf.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode)) continue;
        if (::utimensat(parent, leaf.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
            throw SysError("setting the time of a folder");
    }
}

} // namespace kist::unpack
