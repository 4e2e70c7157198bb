// SPDX-License-Identifier: Apache-2.0
// Cuts arguments into options and operands by the option table. cxxopts cannot stop at the first operand (its issue 259)
// and has no grammar for -p80:80 or -t=false, so it only gets what this has put into one form.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/command.hh"

namespace kist::cli {

struct ScannedOption {
    const OptionFacts* option;
    std::string value; ///< "true" for a switch without one
};
struct Scanned {
    std::vector<ScannedOption> options; ///< in the order given
    std::vector<std::string> operands;
    bool help = false;
};

/// Throws UsageError for an unknown option (naming the nearest) or a missing value. Stops at --help.
Scanned scan(std::span<const OptionFacts* const> table, bool end_options_at_operand,
             const std::vector<std::string>& args);

} // namespace kist::cli
