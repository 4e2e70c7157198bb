// SPDX-License-Identifier: Apache-2.0
// Whom a registry may send us to: not into this machine or to its cloud's metadata service.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace kist::fetch {

/// link: link-local (169.254.169.254 among them), unspecified, multicast, no IP
enum class Reach { world, loopback, link };
Reach reach_of(const sockaddr&);
/// Of "169.254.169.254" or "[::1]"; nothing for a name.
std::optional<Reach> reach_of_literal(const std::string& host);
/// "localhost", "127.…", "[::1]": a registry on this very machine may send us to another server of it.
bool is_loopback_name(std::string_view host);

} // namespace kist::fetch
