// SPDX-License-Identifier: Apache-2.0
// Which namespaces a container's first process gets: new, another's, or ours.
#pragma once

#include <cstdint>
#include <map>
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
    /// A new time namespace is entered by the children of its maker, not by the maker.
    bool create_time = false;
    std::map<std::string, TimeOffset> time_offsets;
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

/// Joins them all; those that this process may join only as a member of the joined user namespace after that one. For a
/// process that then makes the container's first one.
void join_namespaces(const std::vector<JoinedNamespace>&);

/// Children of this process start in a new time namespace from now on.
void make_time_namespace(const std::map<std::string, TimeOffset>& offsets);
/// The same, but only while it lives.
class TimeNamespaceForChildren {
public:
    explicit TimeNamespaceForChildren(const std::map<std::string, TimeOffset>& offsets);
    TimeNamespaceForChildren(const TimeNamespaceForChildren&) = delete;
    TimeNamespaceForChildren& operator=(const TimeNamespaceForChildren&) = delete;
    ~TimeNamespaceForChildren();
    /// In the child, which is to stay in it.
    void keep() { own_.reset(); }

private:
    Fd own_;
};

/// A new network namespace has its loopback device down.
void bring_up_loopback();

} // namespace kist::oci
