// SPDX-License-Identifier: Apache-2.0
// kist.json for the config commands: what is in force, and what the file itself says.
#pragma once

#include <string>

#include "base/value.hh"
#include "engine/host_config.hh"

namespace kist::cli {

struct HostConfigFile {
    std::string path;
    bool exists = false;
    Value written = Value::object(); ///< the members that stand in the file
    engine::HostConfig effective;
};
/// Throws as every command does when the file is wrong.
HostConfigFile read_host_config(const engine::GlobalOptions&);

} // namespace kist::cli
