// SPDX-License-Identifier: Apache-2.0
// Columns and lines of help texts, for kist and kist-oci alike; at most 80 columns.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.hh"

namespace kist::cli {

using Rows = std::vector<std::pair<std::string, std::string>>;

/// Words that fit, each line but the first indented. A word longer than a line stands alone.
std::string wrapped(std::string_view text, std::size_t indent);
std::string two_columns(const Rows& rows);
/// `has_own_h`: -h is an option of the command, so help is --help alone.
std::string options_help(std::span<const OptionFacts> options, bool has_own_h);

} // namespace kist::cli
