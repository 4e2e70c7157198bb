// SPDX-License-Identifier: Apache-2.0
// Values as Go's fmt package prints them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/value.hh"
#include "cli/format/functions.hh"

namespace kist::cli {

/// The Go type that docker's data would have: "string", "int", "[]interface {}".
std::string_view type_name(const Value*);

/// %v: "[a b]", "map[k:v]"; "<nil>" for null.
void append_value(std::string& to, const Value*);

/// Throws CallError as soon as the text is longer than the budget allows.
std::string sprint(Arguments, const Budget&);
std::string sprintln(Arguments, const Budget&);
/// Go's Printf with its %!d(string=x) for what does not fit. Every text made is charged to the
/// budget.
std::string sprintf(std::string_view format, Arguments, Budget&);

} // namespace kist::cli
