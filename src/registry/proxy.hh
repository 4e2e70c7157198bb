// SPDX-License-Identifier: Apache-2.0
// HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read as Docker and Podman read them (Go's rules, which differ from libcurl's): either
// case of the names, and never a proxy for this machine itself.
#pragma once

#include <string>
#include <vector>

#include "registry/challenge.hh"

namespace kist::registry {

/// The variables that count.
std::vector<std::string> proxy_variables();

struct Proxies {
    std::string http, https;           ///< addresses; empty: none
    std::vector<std::string> excepted; ///< entries of NO_PROXY
    static Proxies from_environment();
    /// The proxy for a request to this address; empty: none.
    std::string find(const Url&) const;
};

} // namespace kist::registry
