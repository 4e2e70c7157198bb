// SPDX-License-Identifier: Apache-2.0
// passwd(5) and group(5) of a container's root, parsed by our own code: the C library's NSS would
// load modules, and trust the host's configuration (SECURITY P6, P14).
#include "oci/run/user_lookup.hh"

#include <algorithm>
#include <optional>

#include "base/error.hh"
#include "base/in_root.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

constexpr std::size_t max_file = 1u << 20;
constexpr std::size_t max_line = 4096;
/// (uid_t)-1 means "leave as it is" to setuid and chown, so it is nobody's number.
constexpr std::uint64_t max_id = UINT32_MAX - 1;

bool all_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<std::uint32_t> parse_id(std::string_view text) {
    const auto number = parse_unsigned(text, max_id);
    if (!number) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

/// The number that `text` says, or nothing when it is a name.
std::optional<std::uint32_t> id_if_number(std::string_view text, std::string_view kind) {
    if (!all_digits(text)) return std::nullopt;
    const auto id = parse_id(text);
    if (!id) throw Error("{} id {} is out of range (0 to {})", kind, printable(text), max_id);
    return id;
}

/// Names that could be a comment, an NIS escape or an option are never looked up.
bool is_plausible_name(std::string_view name) {
    return !name.empty() && name[0] != '+' && name[0] != '-' && name[0] != '#' && !all_digits(name) &&
           std::none_of(name.begin(), name.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

/// Calls `entry(fields)` for each line with exactly `count` fields until it says "enough". Other
/// lines are no entries.
template <typename Entry>
void for_each_entry(std::string_view text, std::size_t count, std::string_view file, Entry entry) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, end - at);
        at = end + 1;
        if (line.size() > max_line)
            throw Error("reading '{}' of the container: a line is longer than {} bytes", file, max_line);
        const std::vector<std::string> fields = split(line, ':');
        if (fields.size() != count || line.find('\0') != std::string_view::npos) continue;
        if (!entry(fields)) return;
    }
}

struct PasswdEntry {
    std::string name;
    std::uint32_t uid = 0, gid = 0;
    std::string home;
};

/// The first entry that `matches`; one whose numbers do not parse does not exist (it must not
/// become 0).
template <typename Matches>
std::optional<PasswdEntry> find_passwd(std::string_view text, Matches matches) {
    std::optional<PasswdEntry> found;
    for_each_entry(text, 7, "/etc/passwd", [&](const std::vector<std::string>& fields) {
        const auto uid = parse_id(fields[2]), gid = parse_id(fields[3]);
        if (!uid || !gid || fields[0].empty() || !matches(fields[0], *uid)) return true;
        found = PasswdEntry{fields[0], *uid, *gid, fields[5]};
        return false;
    });
    return found;
}

/// /etc/group, read when first needed.
class GroupFile {
public:
    explicit GroupFile(const Fd& root) : root_(root) {}

    std::uint32_t resolve(const std::string& group) {
        if (const auto id = id_if_number(group, "group")) return *id;
        std::optional<std::uint32_t> found;
        if (is_plausible_name(group)) {
            each([&](const std::string& name, std::uint32_t gid, const std::string&) {
                if (name == group) found = gid;
                return !found;
            });
        }
        if (!found) throw Error("unable to find group {}: no matching entries in group file", printable(group));
        return *found;
    }

    std::vector<std::uint32_t> of_member(const std::string& user) {
        std::vector<std::uint32_t> gids;
        each([&](const std::string&, std::uint32_t gid, const std::string& members) {
            const auto names = split(members, ',');
            if (std::find(names.begin(), names.end(), user) != names.end()) gids.push_back(gid);
            return true;
        });
        return gids;
    }

private:
    template <typename Entry>
    void each(Entry entry) {
        if (!text_) text_ = read_in_root(root_, "/etc/group", max_file).value_or("");
        for_each_entry(*text_, 4, "/etc/group", [&](const std::vector<std::string>& fields) {
            const auto gid = parse_id(fields[2]);
            return !gid || entry(fields[0], *gid, fields[3]);
        });
    }

    const Fd& root_;
    std::optional<std::string> text_;
};

ResolvedUser find_user(const Fd& root, const std::string& user) {
    const auto number = user.empty() ? std::optional<std::uint32_t>(0) : id_if_number(user, "user");
    const std::string text = read_in_root(root, "/etc/passwd", max_file).value_or("");
    const auto entry = find_passwd(text, [&](const std::string& name, std::uint32_t uid) {
        return number ? uid == *number : name == user && is_plausible_name(user);
    });
    if (!entry && !number) throw Error("unable to find user {}: no matching entries in passwd file", printable(user));
    if (!entry) return {.uid = *number, .gid = 0, .groups = {}, .home = "/", .name = {}};
    return {.uid = entry->uid,
            .gid = entry->gid,
            .groups = {},
            .home = entry->home.empty() ? "/" : entry->home,
            .name = entry->name};
}

void add_unique(std::vector<std::uint32_t>& groups, std::uint32_t gid) {
    if (std::find(groups.begin(), groups.end(), gid) == groups.end()) groups.push_back(gid);
}

} // namespace

ResolvedUser resolve_user(const Fd& root, const std::string& user, const std::vector<std::string>& group_add) {
    const auto [user_part, group_part] = split_once(user, ':');
    if (user_part.find('\0') != std::string::npos || (group_part && group_part->find(':') != std::string::npos))
        throw Error("user '{}': not of the form user, user:group or :group", printable(user));
    ResolvedUser resolved = find_user(root, user_part);
    GroupFile group_file(root);
    std::vector<std::uint32_t> supplementary;
    if (group_part && !group_part->empty()) {
        // Docker's rule: who names a group gets that group, not those the group file lists the user
        // in.
        resolved.gid = group_file.resolve(*group_part);
    } else if (!resolved.name.empty()) {
        supplementary = group_file.of_member(resolved.name);
    }
    resolved.groups.push_back(resolved.gid);
    for (const std::uint32_t gid : supplementary) add_unique(resolved.groups, gid);
    for (const std::string& group : group_add) add_unique(resolved.groups, group_file.resolve(group));
    return resolved;
}

} // namespace kist::oci
