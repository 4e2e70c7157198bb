// SPDX-License-Identifier: Apache-2.0
// Hands the listener of a seccomp filter to the agent that linux.seccomp.listenerPath names.
// https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#containerprocessstate
#pragma once

#include <functional>

#include "base/fd.hh"
#include "runtime/record.hh"

namespace kist::runtime {

/// For oci::CreatedProcess::start of `process`, whose number is `pid`; empty when the container's filter has no listener.
std::function<void(int number)> listener_handler(const Container&, const Fd& process, int pid);

} // namespace kist::runtime
