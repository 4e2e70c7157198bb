// SPDX-License-Identifier: Apache-2.0
// What diff and image diff print.
#pragma once

#include <string>
#include <vector>

#include "engine/changes.hh"

namespace kist::cli {

/// Lines "C /etc", or with `format` "json" an object with the lists changed, added and deleted. Throws UsageError for
/// another format.
void print_changes(const std::vector<storage::Change>& changes, const std::string& format);
/// Before anything is done.
void check_change_format(const std::string& format);

} // namespace kist::cli
