// SPDX-License-Identifier: Apache-2.0
#include "engine/id_ranges.hh"

#include <algorithm>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/ids.hh"
#include "base/lock.hh"
#include "base/text.hh"
#include "base/time.hh"

namespace kist::engine {

namespace {

constexpr const char* folder_name = "id-ranges";
/// Ranges begin at multiples of this.
constexpr std::uint32_t block = 65536;
/// Where no administrator has set ids aside: the upper half, in which no host gives out its own.
constexpr oci::IdMapping unclaimed{.container_id = 0, .host_id = 1u << 31, .size = (1u << 31) - 2 * block};
/// Only then is it worth looking which leases have lost their container.
constexpr std::size_t many_leases = 64;
constexpr std::int64_t fresh_ns = 60'000'000'000; // a lease comes before its container's record
constexpr std::size_t id_file_limit = 4u << 20;

/// Of the users that administrators make for this, as for other engines.
oci::IdMapping host_range(const std::string& file) {
    const auto text = read_file_if_exists(file, id_file_limit);
    for (const char* name : {"kist", "containers"}) {
        const auto ranges = parse_subordinate_ids(text.value_or(""), name);
        if (!ranges.empty()) return ranges.front();
    }
    return unclaimed;
}

bool is_abandoned(Engine& engine, const Dir& folder, const std::string& name) {
    struct stat facts {};
    if (::fstatat(folder.fd().get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) return true;
    if (Moment::now().ns - (facts.st_mtim.tv_sec * 1'000'000'000LL + facts.st_mtim.tv_nsec) < fresh_ns) return false;
    const auto id = ContainerId::parse(trim(read_file_if_exists(folder, name, 256).value_or("")));
    return !id || !engine.containers().view(*id);
}

std::set<std::uint32_t> taken_blocks(Engine& engine, const Dir& folder) {
    std::set<std::uint32_t> taken;
    const std::vector<std::string> names = folder.names();
    for (const std::string& name : names) {
        const auto number = parse_unsigned(name, UINT32_MAX / block);
        if (!number) continue;
        if (names.size() > many_leases && is_abandoned(engine, folder, name)) (void)folder.remove_file(name);
        else taken.insert(static_cast<std::uint32_t>(*number));
    }
    return taken;
}

/// The first of `count` free neighbours below `end`.
std::uint32_t find_gap(const std::set<std::uint32_t>& taken, std::uint32_t count, std::uint32_t end) {
    std::uint32_t first = 0;
    for (const std::uint32_t used : taken) {
        if (used >= first + count) break;
        first = std::max(first, used + 1);
    }
    if (first + count > end)
        throw Error("--userns auto: no {} ids are free on this host", count * block)
            .with_hint("more can be set aside for the user 'containers' in /etc/subuid and /etc/subgid");
    return first;
}

} // namespace

oci::IdMapping parse_id_mapping(std::string_view option, const std::string& text) {
    const auto parts = split(text, ':');
    const auto number = [&](std::size_t i) {
        return i < parts.size() ? parse_unsigned(parts[i], UINT32_MAX - 1) : std::nullopt;
    };
    const auto inside = number(0), outside = number(1);
    const auto size = parts.size() == 2 ? std::optional<std::uint64_t>(1) : number(2);
    if (parts.size() < 2 || parts.size() > 3 || !inside || !outside || !size || *size == 0)
        throw UsageError("invalid value '{}' for {}: expected CONTAINER:HOST:SIZE", printable(text), option);
    return {static_cast<std::uint32_t>(*inside), static_cast<std::uint32_t>(*outside),
            static_cast<std::uint32_t>(*size)};
}

std::vector<oci::IdMapping> parse_subordinate_ids(std::string_view text, const std::string& name) {
    std::vector<oci::IdMapping> map;
    std::uint64_t next = 0;
    for (const std::string& line : split(text, '\n')) {
        const auto parts = split(line, ':');
        if (parts.size() != 3 || parts[0] != name) continue;
        const auto first = parse_unsigned(parts[1], UINT32_MAX - 1),
                   size = parse_unsigned(trim(parts[2]), UINT32_MAX - 1);
        if (!first || !size || *size == 0 || next + *size > UINT32_MAX) continue;
        map.push_back(
            {static_cast<std::uint32_t>(next), static_cast<std::uint32_t>(*first), static_cast<std::uint32_t>(*size)});
        next += *size;
    }
    return map;
}

std::vector<oci::IdMapping> subordinate_ids(const std::string& file, const std::string& name) {
    auto map = parse_subordinate_ids(read_file_if_exists(file, id_file_limit).value_or(""), name);
    if (map.empty()) throw Error("{}: no ranges for '{}'", file, printable(name));
    return map;
}

TakenIds take_ids(Engine& engine, const std::string& container_id, std::uint32_t size) {
    const oci::IdMapping uids = host_range("/etc/subuid"), gids = host_range("/etc/subgid");
    const Dir folder = engine.store().data().create_dir(folder_name);
    const FileLock lock = FileLock::acquire(folder, "lock");
    const std::uint32_t count = (size + block - 1) / block;
    const std::uint32_t first = find_gap(taken_blocks(engine, folder), count, std::min(uids.size, gids.size) / block);
    for (std::uint32_t i = first; i < first + count; ++i)
        write_atomically(folder, std::to_string(i), container_id + "\n", Durability::volatile_);
    return {{{0, uids.host_id + first * block, size}}, {{0, gids.host_id + first * block, size}}};
}

void give_back_ids(Engine& engine, const std::vector<oci::IdMapping>& uids, const std::string& container_id) {
    const auto folder = engine.store().data().open_dir_if_exists(folder_name);
    if (!folder || uids.size() != 1) return;
    const std::uint32_t begin = host_range("/etc/subuid").host_id;
    if (uids.front().host_id < begin) return;
    const std::uint32_t first = (uids.front().host_id - begin) / block, count = (uids.front().size + block - 1) / block;
    for (std::uint32_t i = first; i < first + count; ++i) {
        const std::string name = std::to_string(i);
        const auto holder = read_file_if_exists(*folder, name, 256);
        if (holder && trim(*holder) == container_id) (void)folder->remove_file(name);
    }
}

} // namespace kist::engine
