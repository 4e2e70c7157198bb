// SPDX-License-Identifier: Apache-2.0
// A network namespace as a descriptor: it lives as long as somebody holds it, so nothing has to be cleaned up in it.
#pragma once

#include <string>

#include "base/fd.hh"

namespace kist::netns {

/// Opens /proc/self/ns/net or another path.
Fd open_namespace(const std::string& path = "/proc/self/ns/net");
/// A new, empty one that belongs to the user namespace `owner`, or to ours when that is empty. The calling thread stays
/// where it is.
Fd make_namespace(const Fd& owner = {});
/// The user namespace that a network namespace belongs to.
Fd owner_of_namespace(const Fd& space);

/// The calling thread is in another network namespace while this lives. Sockets opened meanwhile belong to that one for
/// ever, and /proc/sys/net is that one's.
class InNamespace {
public:
    explicit InNamespace(const Fd& target);
    InNamespace(const InNamespace&) = delete;
    InNamespace& operator=(const InNamespace&) = delete;
    ~InNamespace();

private:
    Fd own_;
};

/// A file below /proc/sys/net of the namespace the thread is in, as "ipv4/ip_forward". False when this kernel has none.
bool write_sysctl(const std::string& name, const std::string& value);
std::string read_sysctl(const std::string& name); ///< empty when there is none

} // namespace kist::netns
