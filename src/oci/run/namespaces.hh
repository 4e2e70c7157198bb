// SPDX-License-Identifier: Apache-2.0
// Which namespaces a container's first process gets: new, another's, or ours.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

struct NamespacePlan {
    /// CLONE_NEW* for clone3; without the cgroup one, whose root is wherever its maker is: the process unshares it itself
    /// once it is in the container's cgroup.
    std::uint64_t create = 0;
    bool create_cgroup = false;
    /// CLONE_NEW* flag and path of namespaces to join.
    std::vector<std::pair<int, std::string>> join;
    bool operator==(const NamespacePlan&) const = default;

    /// True when the container does not share it with the caller: new or joined.
    bool is_own(int flag) const;
    bool is_new(int flag) const { return (create & static_cast<unsigned>(flag)) != 0; }
};
/// Throws Error naming a namespace that is missing, given twice or not supported.
NamespacePlan plan_namespaces(const Spec&);

/// The types that a spec may ask for.
std::vector<NamespaceType> supported_namespaces();

struct JoinedNamespace {
    int flag = 0;
    std::string path;
    Fd fd;
};
/// Opened while the caller's paths still mean what the spec's writer meant.
std::vector<JoinedNamespace> open_namespaces(const NamespacePlan&);

/// Makes children of this process start in another pid namespace while it lives; the process itself stays.
class PidNamespaceForChildren {
public:
    /// `target`: a pid namespace or a pidfd of one's member.
    explicit PidNamespaceForChildren(const Fd& target);
    PidNamespaceForChildren(const PidNamespaceForChildren&) = delete;
    PidNamespaceForChildren& operator=(const PidNamespaceForChildren&) = delete;
    ~PidNamespaceForChildren();

private:
    Fd own_;
};

/// A new network namespace has its loopback device down.
void bring_up_loopback();

} // namespace kist::oci
