// SPDX-License-Identifier: Apache-2.0
// Tokens to statements. Functions and variables are resolved here, so that a misspelt one fails
// before anything is done.
#pragma once

#include <string>
#include <vector>

#include "cli/format/ast.hh"
#include "cli/format/source.hh"

namespace kist::cli {

struct ParsedTemplate {
    StatementList statements;
    std::vector<RootField> root_fields;
    bool uses_everything = false;
};

/// The result refers into the source's text. Throws TemplateError.
ParsedTemplate parse_template(const Source&, const ParseOptions&);

} // namespace kist::cli
