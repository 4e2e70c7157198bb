// SPDX-License-Identifier: Apache-2.0
// Whom a registry may send us to: not into this machine or to its cloud's metadata service.
#pragma once

#include <string_view>

#include <sys/socket.h>

namespace kist::fetch {

/// link: link-local (169.254.169.254 among them), unspecified, multicast, no IP
enum class Reach { world, loopback, link };
Reach reach_of(const sockaddr&);
/// "localhost", "127.…", "[::1]": a registry on this very machine may send us to another server of it.
bool is_loopback_name(std::string_view host);

} // namespace kist::fetch
