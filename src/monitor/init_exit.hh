// SPDX-License-Identifier: Apache-2.0
// How the first process of an adopted container ended. It is nobody's child that we know: wait(2) is not for us.
#pragma once

#include <cstdint>
#include <optional>

#include "base/fd.hh"
#include "base/process.hh"

namespace kist::monitor {

/// After `pidfd` became readable: from the kernel's record behind the pidfd (PIDFD_GET_INFO, Linux 6.15) once somebody
/// has reaped it, from its zombie before that. Nothing when neither is to be had. Waits 100 ms at most.
std::optional<ExitStatus> exit_of_other(const Fd& pidfd, pid_t pid, std::uint64_t start_time);

} // namespace kist::monitor
