// SPDX-License-Identifier: Apache-2.0
// idmap, alone or with ranges: "idmap=uids=0-1000-1#10-20-5;gids=0-1000-1". FILE-HOST-SIZE: ids FILE… of the files are shown as the
// host's ids HOST….
#include "base/error.hh"
#include "base/text.hh"
#include "engine/mount_text.hh"
#include "oci/run/user_namespace.hh"

namespace kist::engine {

namespace {

std::vector<oci::IdMapping> parse_ranges(const std::string& text, const std::string& whole) {
    std::vector<oci::IdMapping> ranges;
    for (const std::string& range : split(text, '#')) {
        std::vector<std::uint32_t> numbers;
        for (const std::string& part : split(range, '-'))
            if (const auto number = parse_unsigned(part, UINT32_MAX - 1))
                numbers.push_back(static_cast<std::uint32_t>(*number));
        if (numbers.size() != 3 || split(range, '-').size() != 3 || numbers[2] == 0)
            throw UsageError("invalid mount '{}': '{}' in idmap is not FILE-HOST-SIZE, three numbers", printable(whole),
                             printable(range));
        ranges.push_back({numbers[0], numbers[1], numbers[2]});
    }
    oci::check_ranges(ranges, "idmap");
    return ranges;
}

} // namespace

void add_idmap(storage::MountConfig& mount, const std::string& ranges, const std::string& whole) {
    mount.options.emplace_back("idmap");
    if (ranges.empty()) return;
    for (const std::string& part : split(ranges, ';')) {
        const auto [kind, text] = split_once(part, '=');
        if ((kind != "uids" && kind != "gids") || !text)
            throw UsageError("invalid mount '{}': idmap takes uids=… and gids=…, not '{}'", printable(whole),
                             printable(part));
        (kind == "uids" ? mount.uid_map : mount.gid_map) = parse_ranges(*text, whole);
    }
    // As --uidmap and --gidmap: one side holds for the other.
    if (mount.uid_map.empty()) mount.uid_map = mount.gid_map;
    if (mount.gid_map.empty()) mount.gid_map = mount.uid_map;
}

} // namespace kist::engine
