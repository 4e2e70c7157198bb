// SPDX-License-Identifier: Apache-2.0
// One directive of Go's Printf, carried out on one value.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/value.hh"

namespace kist::cli {

/// %[flags][width][.precision]verb
struct PrintSpec {
    bool plus = false, minus = false, sharp = false, space = false, zero = false;
    std::optional<std::size_t> width, precision;
    char32_t verb = 'v';
};

/// Appends. In a list or object the directive applies to every element.
void append_formatted(std::string& to, const Value*, const PrintSpec&);

} // namespace kist::cli
