// SPDX-License-Identifier: Apache-2.0
// Comparing trees. Both are read by descriptors and single names: either may belong to a container that runs.
#include "storage/changes.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/text.hh"

namespace kist::storage {
namespace {

using Facts = std::optional<struct stat>;

Facts facts_of(const Dir* folder, const std::string& name) {
    struct stat st;
    if (folder == nullptr) return std::nullopt;
    if (::fstatat(folder->fd().get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) return st;
    if (errno == ENOENT) return std::nullopt;
    throw SysError("reading '{}'", printable(folder->path_of(name)));
}

bool has_attribute(const Fd& fd, const char* name) { return ::fgetxattr(fd.get(), name, nullptr, 0) >= 0; }

bool is_opaque(const Fd& folder) {
    char value = 0;
    return ::fgetxattr(folder.get(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

bool has_same_owner_and_mode(const struct stat& a, const struct stat& b) {
    return a.st_mode == b.st_mode && a.st_uid == b.st_uid && a.st_gid == b.st_gid;
}

bool has_same_time(const struct stat& a, const struct stat& b) {
    return a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

std::string link_text(const Dir& folder, const std::string& name) {
    std::array<char, PATH_MAX> text;
    const ssize_t n = ::readlinkat(folder.fd().get(), name.c_str(), text.data(), text.size());
    return n < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(n));
}

std::vector<std::string> sorted_names(const Dir& folder) {
    std::vector<std::string> names = folder.names();
    std::sort(names.begin(), names.end());
    return names;
}

/// What both ways of comparing have in common: the list, and what was made only to be mounted on.
class Comparison {
public:
    explicit Comparison(const std::set<std::string>& mount_points) : mount_points_(mount_points) {}
    virtual ~Comparison() = default;
    std::vector<Change> take() { return std::move(changes_); }

protected:
    void add(ChangeKind kind, const std::string& path) { changes_.push_back({kind, path}); }
    /// Where something is added whose mount point it may be: a folder is judged when all in it has been seen.
    bool is_on_way_to_mount(const std::string& path) const {
        const auto next = mount_points_.lower_bound(path);
        return next != mount_points_.end() && (*next == path || next->starts_with(path + "/"));
    }
    bool is_placeholder(const std::string& path, const struct stat& st) const {
        return mount_points_.contains(path) && S_ISREG(st.st_mode) && st.st_size == 0;
    }

    /// What is new must have its contents here; called with each folder and file of that kind.
    virtual void check_folder(const Dir&, const std::string& /*path*/) const {}
    virtual void check_file(const Dir&, const std::string& /*name*/, const std::string& /*path*/) const {}

    /// A folder that is new: it and everything in it, unless all of it is for mounts. False then.
    bool add_new_folder(const Dir& folder, const std::string& path) {
        const std::size_t before = changes_.size();
        check_folder(folder, path);
        add(ChangeKind::added, path);
        bool skipped = false;
        for (const std::string& name : sorted_names(folder)) {
            const Facts st = facts_of(&folder, name);
            if (!st || is_whiteout(*st)) continue;
            const std::string inside = path + "/" + name;
            if (S_ISDIR(st->st_mode)) skipped |= !add_new_folder(folder.open_dir(name), inside);
            else skipped |= !add_new(folder, name, *st, inside);
        }
        const bool is_empty = changes_.size() == before + 1;
        if (!is_empty || !is_on_way_to_mount(path)) return true;
        if (!skipped && !mount_points_.contains(path)) return true;
        changes_.pop_back();
        return false;
    }

    /// A folder on both sides: itself too when its owner or mode changed, something in it did, or its time without such a cause.
    template <typename Inside>
    bool add_both_folders(const struct stat& before, const struct stat& after, const std::string& path, Inside inside) {
        const std::size_t at = changes_.size();
        const bool skipped = inside();
        const bool changed = changes_.size() > at || !has_same_owner_and_mode(before, after) ||
                             (!skipped && !has_same_time(before, after));
        if (changed) changes_.insert(changes_.begin() + static_cast<std::ptrdiff_t>(at), {ChangeKind::modified, path});
        return changed || !skipped;
    }

    /// `name` is new. False when it is only there for mounts.
    bool add_new(const Dir& folder, const std::string& name, const struct stat& st, const std::string& path) {
        if (S_ISDIR(st.st_mode)) return add_new_folder(folder.open_dir(name), path);
        if (is_placeholder(path, st)) return false;
        if (S_ISREG(st.st_mode)) check_file(folder, name, path);
        add(ChangeKind::added, path);
        return true;
    }

    /// Another kind of file than before, or not a folder on both sides.
    void add_modified(const Dir& folder, const std::string& name, const struct stat& st, const std::string& path) {
        add(ChangeKind::modified, path);
        if (!S_ISDIR(st.st_mode)) return;
        const Dir inner = folder.open_dir(name);
        for (const std::string& child : sorted_names(inner))
            if (const Facts facts = facts_of(&inner, child); facts && !is_whiteout(*facts))
                add_new(inner, child, *facts, path + "/" + child);
    }

    std::vector<Change> changes_;

private:
    const std::set<std::string>& mount_points_;
};

class UpperComparison : public Comparison {
public:
    using Comparison::Comparison;

    /// True when something was left out as a mount point. `is_hiding`: a folder further up is opaque.
    bool folder(const Dir& upper, const Dir* lower, const std::string& path, bool is_hiding) {
        check_folder(upper, path);
        bool skipped = false;
        const std::vector<std::string> names = sorted_names(upper);
        is_hiding = is_hiding || is_opaque(upper.fd());
        for (const std::string& name : names) skipped |= !entry(upper, lower, name, path + "/" + name, is_hiding);
        if (lower != nullptr && is_hiding) hidden(names, *lower, path);
        return skipped;
    }

private:
    /// What an opaque folder hides of the layers below.
    void hidden(const std::vector<std::string>& names, const Dir& lower, const std::string& path) {
        for (const std::string& name : sorted_names(lower)) {
            const Facts st = facts_of(&lower, name);
            if (st && !is_whiteout(*st) && !std::binary_search(names.begin(), names.end(), name))
                add(ChangeKind::deleted, path + "/" + name);
        }
    }

    bool entry(const Dir& upper, const Dir* lower, const std::string& name, const std::string& path, bool is_hiding) {
        const Facts st = facts_of(&upper, name);
        if (!st) return true; // it went meanwhile
        Facts below = facts_of(lower, name);
        if (below && is_whiteout(*below)) below.reset();
        if (is_whiteout(*st)) {
            if (below) add(ChangeKind::deleted, path);
            return true;
        }
        if (!below) return add_new(upper, name, *st, path);
        if (S_ISDIR(st->st_mode) && S_ISDIR(below->st_mode)) {
            const Dir inner = upper.open_dir(name), inner_below = lower->open_dir(name);
            return add_both_folders(*below, *st, path, [&] { return folder(inner, &inner_below, path, is_hiding); });
        }
        if (S_ISREG(st->st_mode)) check_file(upper, name, path);
        add_modified(upper, name, *st, path);
        return true;
    }

    void check_folder(const Dir& upper, const std::string& path) const override {
        if (has_attribute(upper.fd(), "trusted.overlay.redirect"))
            throw NotSelfContained("'{}' was renamed by reference", printable(path));
    }
    void check_file(const Dir& upper, const std::string& name, const std::string& path) const override {
        const auto file = upper.open_file(name, O_RDONLY | O_NONBLOCK);
        if (file && has_attribute(*file, "trusted.overlay.metacopy"))
            throw NotSelfContained("'{}' has its contents in a layer", printable(path));
    }
};

class TreeComparison : public Comparison {
public:
    using Comparison::Comparison;

    bool folder(const Dir& before, const Dir& after, const std::string& path) {
        const std::vector<std::string> old_names = sorted_names(before), new_names = sorted_names(after);
        std::vector<std::string> names;
        std::set_union(old_names.begin(), old_names.end(), new_names.begin(), new_names.end(),
                       std::back_inserter(names));
        bool skipped = false;
        for (const std::string& name : names) skipped |= !entry(before, after, name, path + "/" + name);
        return skipped;
    }

private:
    bool entry(const Dir& before, const Dir& after, const std::string& name, const std::string& path) {
        const Facts old_facts = facts_of(&before, name), new_facts = facts_of(&after, name);
        if (!new_facts) {
            if (old_facts) add(ChangeKind::deleted, path);
            return true;
        }
        if (!old_facts) return add_new(after, name, *new_facts, path);
        if (S_ISDIR(old_facts->st_mode) && S_ISDIR(new_facts->st_mode)) {
            const Dir inner_before = before.open_dir(name), inner_after = after.open_dir(name);
            return add_both_folders(*old_facts, *new_facts, path,
                                    [&] { return folder(inner_before, inner_after, path); });
        }
        const bool same = has_same_owner_and_mode(*old_facts, *new_facts) && has_same_time(*old_facts, *new_facts) &&
                          old_facts->st_size == new_facts->st_size && old_facts->st_rdev == new_facts->st_rdev &&
                          (!S_ISLNK(new_facts->st_mode) || link_text(before, name) == link_text(after, name));
        if (!same) add_modified(after, name, *new_facts, path);
        return true;
    }
};

/// A file deleted inside an opaque folder is found after what is there.
std::vector<Change> in_order(std::vector<Change> changes) {
    // By parts, so that a folder is followed by what is in it: "/a" < "/a/b" < "/a.c".
    const auto key = [](const std::string& path) {
        std::string text = path;
        std::replace(text.begin(), text.end(), '/', '\1');
        return text;
    };
    std::stable_sort(changes.begin(), changes.end(),
                     [&](const Change& a, const Change& b) { return key(a.path) < key(b.path); });
    return changes;
}

} // namespace

std::vector<Change> find_changes(const Dir& upper, const Fd& lower, const std::set<std::string>& mount_points) {
    UpperComparison comparison(mount_points);
    std::optional<Dir> below;
    if (lower) below.emplace(Fd{::openat(lower.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)}, "/");
    if (below && !*below) throw SysError("opening the layers");
    comparison.folder(upper, below ? &*below : nullptr, "", false);
    return in_order(comparison.take());
}

std::vector<Change> compare_trees(const Dir& before, const Dir& after, const std::set<std::string>& mount_points) {
    TreeComparison comparison(mount_points);
    comparison.folder(before, after, "");
    return in_order(comparison.take());
}

} // namespace kist::storage
