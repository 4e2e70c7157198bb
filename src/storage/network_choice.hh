// SPDX-License-Identifier: Apache-2.0
// A network that a container asks for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/fields.hh"

namespace kist::storage {

/// One --network: a network to be in. Which address is decided at start unless it is given.
struct NetworkChoice {
    std::string name;
    std::string ip{}, ip6{}, mac{}, interface {}; ///< empty: chosen
    std::vector<std::string> aliases = {};
    std::map<std::string, std::string> links = {}; ///< --link: alias, full id of the container that is meant
    bool operator==(const NetworkChoice&) const = default;
    static constexpr void fields(auto&& field) {
        field("name", &NetworkChoice::name, required);
        field("ip", &NetworkChoice::ip);
        field("ip6", &NetworkChoice::ip6);
        field("mac", &NetworkChoice::mac);
        field("interface", &NetworkChoice::interface);
        field("aliases", &NetworkChoice::aliases);
        field("links", &NetworkChoice::links);
    }
};

} // namespace kist::storage
