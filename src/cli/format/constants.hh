// SPDX-License-Identifier: Apache-2.0
// Numbers, characters and quoted texts of a template.
#pragma once

#include <string>
#include <string_view>

#include "base/value.hh"
#include "cli/format/lexer.hh"

namespace kist::cli {

struct Constant {
    Value value = {};
    std::string problem = {}; ///< what is wrong with it; empty when nothing is
};

/// A number, character, string or raw_string token.
Constant read_constant(const Token&);

} // namespace kist::cli
