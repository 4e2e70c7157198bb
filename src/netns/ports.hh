// SPDX-License-Identifier: Apache-2.0
// Ports of the host that belong to a container: each is held by a bound socket that nobody reads, so no other program can
// take it while the container runs, and the kernel decides who of two gets it.
#pragma once

#include <vector>

#include "base/fd.hh"
#include "netns/types.hh"

namespace kist::netns {

/// Somebody else has the port.
class PortTaken : public Error {
public:
    PortTaken(const PortMapping& mapping, std::uint16_t taken);
};

/// Whether the container can be reached by IPv4 and by IPv6: what is not reachable is not reserved either.
struct Families {
    bool v4 = false, v6 = false;
};

/// Gives each mapping with host_port 0 a free port (of ip_local_port_range), and each with host_until one of that range. Call in the host's network namespace. Throws
/// PortTaken, or SysError for an address that the host does not have. The sockets hold the ports until they are closed.
std::vector<Fd> reserve_ports(std::vector<PortMapping>& ports, Families families);

/// "0.0.0.0:8080", "[::]:8080-8090"
std::string host_side(const PortMapping& mapping, bool v6 = false);

} // namespace kist::netns
