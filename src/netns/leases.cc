// SPDX-License-Identifier: Apache-2.0
#include "netns/leases.hh"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "base/text.hh"

namespace kist::netns {

namespace {

constexpr std::size_t lease_limit = 64 * 1024;
constexpr const char* hint_file = "next"; // where the last search ended

std::string lease_text(const Lease& lease) { return lease.container + "\n" + join(lease.names, " ") + "\n"; }

std::optional<Lease> parse_lease(const std::string& name, const std::optional<std::string>& text) {
    const auto address = Address::parse(name);
    if (!address || !text) return std::nullopt;
    Lease lease;
    lease.address = *address;
    const auto lines = split(*text, '\n');
    if (!lines.empty()) lease.container = lines[0];
    if (lines.size() > 1)
        for (std::string& word : split(lines[1], ' '))
            if (!word.empty()) lease.names.push_back(std::move(word));
    return lease;
}

/// The addresses that may be given away: first and how many.
struct Pool {
    Address first;
    std::uint64_t count = 0;
};

Pool pool_of(const SubnetConfig& config, const Subnet& subnet) {
    const Subnet range = Subnet::parse(config.range).value_or(subnet);
    Pool pool{range.base(), range.size()};
    const bool point_to_point = range.base().bits() - subnet.prefix() <= 1;
    if (!point_to_point && range.base() == subnet.base()) {
        pool.first = pool.first.plus(1);
        --pool.count;
    }
    if (!point_to_point && !subnet.base().is_v6() && range.last() == subnet.last()) --pool.count;
    // More than this is not searched one by one: an IPv6 subnet is never full.
    pool.count = std::min<std::uint64_t>(pool.count, 1u << 20);
    return pool;
}

} // namespace

Dir network_run_dir(const Dir& run_root, const std::string& network) {
    return run_root.create_dir("networks").create_dir(network);
}

Leases::Leases(const Dir& run_root, const std::string& network)
    : network_(network_run_dir(run_root, network)), dir_(network_.create_dir("leases")) {}

bool Leases::claim(const Address& address, const Lease& lease) const {
    const std::string name = address.str();
    if (dir_.exists(name)) return false;
    // A file without a name, linked into place when it is complete: whoever finds it finds all of it, and a command that is
    // killed leaves nothing.
    const Fd fd{::openat(dir_.fd().get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)};
    if (!fd) throw SysError("making a lease in '{}'", dir_.path());
    write_full(fd, lease_text(lease), "lease");
    const std::string own = fmt::format("/proc/self/fd/{}", fd.get());
    if (::linkat(AT_FDCWD, own.c_str(), dir_.fd().get(), name.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
    if (errno == EEXIST) return false;
    throw SysError("making lease '{}'", dir_.path_of(name));
}

void Leases::release_all(const std::string& container) const {
    for (const Lease& lease : all())
        if (lease.container == container) dir_.remove_file(lease.address.str());
}

bool Leases::reclaim(const Address& address, const Lease& lease,
                     const std::function<bool(const std::string&)>& lives) const {
    const auto held = find(address);
    if (held && held->container != lease.container && lives(held->container)) return false;
    dir_.remove_file(address.str());
    return claim(address, lease);
}

Address Leases::take(const SubnetConfig& config, const std::optional<Address>& wanted, const Lease& lease,
                     const std::function<bool(const std::string&)>& lives) const {
    const auto subnet = Subnet::parse(config.subnet);
    if (!subnet) throw Error("'{}' is no subnet", config.subnet);
    const auto gateway = Address::parse(config.gateway);
    if (wanted) {
        if (!subnet->contains(*wanted)) throw Error("address {} is not in subnet {}", wanted->str(), config.subnet);
        if (gateway == wanted) throw Error("address {} is the gateway's", wanted->str());
        if (claim(*wanted, lease) || reclaim(*wanted, lease, lives)) return *wanted;
        const auto held = find(*wanted);
        throw Error("address {} is in use by container {}", wanted->str(), held ? held->container.substr(0, 12) : "?");
    }
    const Pool pool = pool_of(config, *subnet);
    // Onwards from the last one, so that an address is not given to somebody else at once.
    const std::string family_hint = subnet->base().is_v6() ? std::string(hint_file) + "6" : hint_file;
    const auto hint = read_file_if_exists(network_, family_hint, 64);
    const std::uint64_t start = hint ? parse_unsigned(trim(*hint)).value_or(0) : 0;
    for (const bool reclaiming : {false, true})
        for (std::uint64_t i = 0; i < pool.count; ++i) {
            const std::uint64_t at = (start + i) % pool.count;
            const Address address = pool.first.plus(at);
            if (gateway && *gateway == address) continue;
            if (!(reclaiming ? reclaim(address, lease, lives) : claim(address, lease))) continue;
            const auto fd = network_.open_file(family_hint, O_WRONLY | O_CREAT | O_TRUNC, 0600);
            // a hint: a torn one costs a longer search
            if (fd) write_full(*fd, std::to_string(at + 1), family_hint);
            return address;
        }
    Error error("no free address is left in subnet {}", config.subnet);
    error.with_hint("remove containers, or make a network with a larger subnet");
    throw error;
}

bool Leases::release(const Address& address, const std::string& container) const {
    const auto held = find(address);
    return held && held->container == container && dir_.remove_file(address.str());
}

void Leases::rename(const Address& address, const Lease& lease) const {
    write_atomically(dir_, address.str(), lease_text(lease), Durability::volatile_);
}

std::optional<Lease> Leases::find(const Address& address) const {
    return parse_lease(address.str(), read_file_if_exists(dir_, address.str(), lease_limit));
}

std::vector<Lease> Leases::all() const {
    std::vector<Lease> list;
    for (const std::string& name : dir_.names())
        if (auto lease = parse_lease(name, read_file_if_exists(dir_, name, lease_limit)))
            list.push_back(std::move(*lease));
    std::sort(list.begin(), list.end(), [](const Lease& a, const Lease& b) { return a.address < b.address; });
    return list;
}

bool Leases::empty() const {
    const auto names = dir_.names();
    return std::none_of(names.begin(), names.end(),
                        [](const std::string& name) { return Address::parse(name).has_value(); });
}

} // namespace kist::netns
