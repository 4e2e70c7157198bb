// SPDX-License-Identifier: Apache-2.0
// --log-driver and --log-opt: which there are, and what the monitor is told of them.
#pragma once

#include <string>
#include <vector>

#include "engine/create_parts.hh"
#include "monitor/protocol.hh"
#include "storage/container_config.hh"

namespace kist::engine {

std::vector<std::string> log_drivers();
/// Into the record; an unknown driver, option or value is a UsageError.
void interpret_log(const CreateInput&, storage::ContainerConfig&);

/// Whether `logs` can read what it has written.
bool has_log_file(const storage::ContainerConfig&);
/// In its data folder.
std::string log_file_name(const storage::ContainerConfig&);
/// `path`: of the log file, if it has one.
/// Its streams are those of the command that starts it (log driver passthrough).
bool passes_stdio(const storage::ContainerConfig&);
monitor::LogConfig plan_log(const storage::ContainerConfig&, const std::string& path);

/// "{{.Name}}/{{.ID}}" of --log-opt tag. Throws UsageError for what it does not know.
std::string expand_log_tag(const std::string& tag, const storage::ContainerConfig&);

} // namespace kist::engine
