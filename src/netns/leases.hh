// SPDX-License-Identifier: Apache-2.0
// Which container has which address of a network: one file per address, named after it, made by O_EXCL, so that of many
// commands that want one address exactly one gets it. They lie under the run root: a reboot frees them all.
//
//     <run root>/networks/<network>/leases/<address>    "<container id>\n<name> <alias> …\n"
//
// What is in them besides the id is what the network's name service answers (dns.hh).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hh"
#include "netns/address.hh"
#include "netns/types.hh"

namespace kist::netns {

struct Lease {
    Address address;
    std::string container; ///< full id
    std::vector<std::string> names;
};

class Leases {
public:
    /// Makes the folder if it is missing.
    Leases(const Dir& run_root, const std::string& network);

    /// The wanted address, or the next free one of `subnet` (never its gateway, base or broadcast). `lives` says whether a
    /// container that holds an address may keep it; asked only when the address is wanted or none is free. Throws Error
    /// that names the holder, or says that the subnet is full.
    Address take(const SubnetConfig& subnet, const std::optional<Address>& wanted, const Lease& lease,
                 const std::function<bool(const std::string& id)>& lives) const;
    /// False when it was not there, or is another container's.
    bool release(const Address& address, const std::string& container) const;
    /// All of a container's, by reading every lease: after a start that was killed before it said what it had taken.
    void release_all(const std::string& container) const;
    /// Writes the names anew (rename, connect with aliases).
    void rename(const Address& address, const Lease& lease) const;
    std::vector<Lease> all() const;
    std::optional<Lease> find(const Address& address) const;
    bool empty() const;
    /// Its time of change is that of the last lease taken or given back.
    const Dir& folder() const { return dir_; }

private:
    bool claim(const Address& address, const Lease& lease) const;
    bool reclaim(const Address& address, const Lease& lease,
                 const std::function<bool(const std::string& id)>& lives) const;
    Dir network_;
    Dir dir_;
};

/// <run root>/networks/<network>, made if missing.
Dir network_run_dir(const Dir& run_root, const std::string& network);

} // namespace kist::netns
