// SPDX-License-Identifier: Apache-2.0
// Makes processes in new namespaces.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/fd.hh"
#include "base/process.hh"

namespace kist::oci {

/// clone3(2) as a fork, into a v2 control group unless `cgroup` is empty. In the child the result is empty.
std::optional<Child> clone_process(std::uint64_t flags, const Fd& cgroup);

/// A process in between, which prepares itself and then makes the child as our own: what it changes does not touch us, and the
/// child, which others may see as soon as it exists, is born with the changes made.
struct Stage {
    /// setns(2) and the like.
    std::function<void()> enter;
    /// Descriptors that it may have; every other one is closed before `enter` runs. Empty: it keeps all.
    std::vector<int> keep = {};
};
/// Both in the v2 control group `cgroup` unless it is empty. In the child the result is empty.
std::optional<Child> clone_through_stage(const Stage& stage, std::uint64_t flags, const Fd& cgroup);

} // namespace kist::oci
