// SPDX-License-Identifier: Apache-2.0
#include "netns/forwarding.hh"

#include <array>

#include "base/text.hh"
#include "netns/namespace.hh"

namespace kist::netns {

namespace {

/// A sysctl and the file below networks/ that holds what it was.
constexpr std::array<std::pair<const char*, const char*>, 2> forwarding{
    {{"ipv4/ip_forward", "ip_forward"}, {"ipv6/conf/all/forwarding", "ip6_forward"}}};
constexpr const char* listeners_file = "accept_ra";
constexpr std::size_t listeners_limit = 64 << 10;

std::string accept_ra(const std::string& interface) { return "ipv6/conf/" + interface + "/accept_ra"; }

/// A host that forwards is a router, and no longer hears routers: one that has its own default route from them would lose
/// it. 2 says "listen all the same". The interfaces whose setting was 1, the kernel's default.
std::string keep_listening() {
    std::string changed;
    for (const std::string& name : Dir::open("/proc/sys/net/ipv6/conf").names()) {
        if (name == "all" || name == "default" || name == "lo" || read_sysctl(accept_ra(name)) != "1") continue;
        write_sysctl(accept_ra(name), "2");
        changed += name + "\n";
    }
    return changed;
}

void stop_listening(const std::string& changed) {
    for (const std::string& name : split(trim(changed), '\n'))
        if (!name.empty() && read_sysctl(accept_ra(name)) == "2") write_sysctl(accept_ra(name), "1");
}

} // namespace

void enable_forwarding(const Dir& run_root, bool v6) {
    for (std::size_t i = 0; i < (v6 ? 2u : 1u); ++i) {
        const auto& [sysctl, file] = forwarding[i];
        const std::string before = read_sysctl(sysctl);
        if (before == "1" || before.empty()) continue;
        const Dir networks = run_root.create_dir("networks");
        write_atomically(networks, file, before, Durability::volatile_);
        if (i == 1) {
            // Of two first starts at once one has found them.
            const std::string found = read_file_if_exists(networks, listeners_file, listeners_limit).value_or("");
            write_atomically(networks, listeners_file, found + keep_listening(), Durability::volatile_);
        }
        write_sysctl(sysctl, "1");
    }
}

void restore_forwarding(const Dir& run_root) {
    const Dir networks = run_root.create_dir("networks");
    for (const auto& [sysctl, file] : forwarding) {
        const auto before = read_file_if_exists(networks, file, 64);
        if (!before) continue;
        write_sysctl(sysctl, *before);
        networks.remove_file(file);
    }
    if (const auto changed = read_file_if_exists(networks, listeners_file, listeners_limit)) {
        stop_listening(*changed);
        networks.remove_file(listeners_file);
    }
}

} // namespace kist::netns
