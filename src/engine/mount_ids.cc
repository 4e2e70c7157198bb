// SPDX-License-Identifier: Apache-2.0
// idmap, alone or with ranges: "idmap=uids=0-1000-1#10-20-5;gids=0-1000-1". FILE-ID-SIZE: ids FILE… of the files are shown as the
// host's ids ID…; with "@" before it, as those host ids that are the container's ID….
#include <algorithm>

#include "base/error.hh"
#include "base/text.hh"
#include "engine/create_parts.hh"
#include "engine/mount_text.hh"
#include "oci/run/user_namespace.hh"

namespace kist::engine {

namespace {

using Maps = std::vector<oci::IdMapping>;

/// Stands among the options of a mount until the container's own maps are known.
constexpr std::string_view unresolved = "kist.idmap=";

struct Range {
    bool is_relative;
    std::uint32_t file, id, size;
};

std::vector<Range> parse_ranges(const std::string& text, const std::string& whole) {
    std::vector<Range> ranges;
    for (const std::string& part : split(text, '#')) {
        const bool is_relative = part.starts_with('@');
        std::vector<std::uint32_t> numbers;
        for (const std::string& word : split(part.substr(is_relative ? 1 : 0), '-'))
            numbers.push_back(static_cast<std::uint32_t>(parse_unsigned(word, UINT32_MAX - 1).value_or(UINT32_MAX)));
        if (numbers.size() != 3 || std::count(numbers.begin(), numbers.end(), UINT32_MAX) != 0 || numbers[2] == 0)
            throw UsageError("invalid mount '{}': '{}' in idmap is not FILE-ID-SIZE, three numbers", printable(whole),
                             printable(part));
        ranges.push_back({is_relative, numbers[0], numbers[1], numbers[2]});
    }
    return ranges;
}

/// The host's ids for the container's, which may be several ranges of the host.
void add_relative(Maps& map, Range range, const Maps& container, const std::string& destination) {
    while (range.size > 0) {
        const auto of = std::find_if(container.begin(), container.end(), [&](const oci::IdMapping& m) {
            return range.id >= m.container_id && range.id - m.container_id < m.size;
        });
        if (of == container.end())
            throw UsageError("mounting on '{}': idmap: the container has no id {}", destination, range.id)
                .with_hint("--uidmap, --gidmap or '--userns auto:size=NUMBER' give it more");
        const std::uint32_t offset = range.id - of->container_id;
        const std::uint32_t size = std::min(range.size, of->size - offset);
        map.push_back({range.file, of->host_id + offset, size});
        range = {true, range.file + size, range.id + size, range.size - size};
    }
}

/// The ranges of both kinds as text; one side holds for the other too, as with --uidmap and --gidmap.
struct Sides {
    std::string uids, gids;
};

Sides split_sides(const std::string& ranges, const std::string& whole) {
    Sides sides;
    for (const std::string& part : split(ranges, ';')) {
        const auto [kind, text] = split_once(part, '=');
        if ((kind != "uids" && kind != "gids") || !text)
            throw UsageError("invalid mount '{}': idmap takes uids=… and gids=…, not '{}'", printable(whole),
                             printable(part));
        (kind == "uids" ? sides.uids : sides.gids) = *text;
        parse_ranges(*text, whole);
    }
    if (sides.uids.empty()) sides.uids = sides.gids;
    if (sides.gids.empty()) sides.gids = sides.uids;
    return sides;
}

Maps resolve(const std::string& text, const Maps& container, const std::string& destination) {
    Maps map;
    for (const Range& range : parse_ranges(text, text))
        if (range.is_relative) add_relative(map, range, container, destination);
        else map.push_back({range.file, range.id, range.size});
    oci::check_ranges(map, "idmap");
    return map;
}

void set_maps(storage::MountConfig& mount, const std::string& ranges, const Maps& uids, const Maps& gids) {
    const Sides sides = split_sides(ranges, ranges);
    mount.uid_map = resolve(sides.uids, uids, mount.destination);
    mount.gid_map = resolve(sides.gids, gids, mount.destination);
}

} // namespace

void add_idmap(storage::MountConfig& mount, const std::string& ranges, const std::string& whole) {
    mount.options.emplace_back("idmap");
    if (ranges.empty()) return;
    split_sides(ranges, whole);
    if (ranges.find('@') != std::string::npos) mount.options.push_back(std::string(unresolved) + ranges);
    else set_maps(mount, ranges, {}, {});
}

void resolve_idmap(storage::MountConfig& mount, const storage::ContainerConfig& config) {
    const auto word = std::find_if(mount.options.begin(), mount.options.end(),
                                   [](const std::string& option) { return option.starts_with(unresolved); });
    if (word == mount.options.end()) return;
    if (config.uid_map.empty())
        throw UsageError("mounting on '{}': '@' in idmap is for a container with a user namespace of its own",
                         mount.destination)
            .with_hint("add --userns auto or --uidmap, or name ids of the host, without '@'");
    set_maps(mount, word->substr(unresolved.size()), config.uid_map, config.gid_map);
    mount.options.erase(word);
}

} // namespace kist::engine
