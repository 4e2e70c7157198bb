// SPDX-License-Identifier: Apache-2.0
// Carries a parsed template out over one value.
#pragma once

#include <string>

#include "cli/format/ast.hh"
#include "cli/format/source.hh"

namespace kist::cli {

/// Throws TemplateError.
std::string evaluate(const Source&, const StatementList&, const Value& data, const ExecuteOptions&);

} // namespace kist::cli
