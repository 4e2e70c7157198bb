// SPDX-License-Identifier: Apache-2.0
// The small init of --init: a program of the host (catatonit) that is mounted into the container.
#pragma once

#include <string>

#include "engine/host_config.hh"

namespace kist::engine {

/// Where it is bound in the container.
inline constexpr const char* init_target = "/run/kist-init";
/// init-path of kist.json, or catatonit where distributions put it. Throws Error that says what to install.
std::string find_init_program(const HostConfig&);

} // namespace kist::engine
