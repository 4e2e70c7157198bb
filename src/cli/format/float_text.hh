// SPDX-License-Identifier: Apache-2.0
// Floating-point numbers as Go writes them: the shortest digits that read back the same.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace kist::cli {

/// %g and %v: an exponent when it is below -4 or not below the precision (6 without a precision).
std::string float_general(double, std::optional<std::size_t> precision);
/// %e
std::string float_exponent(double, std::optional<std::size_t> precision);
/// %f
std::string float_fixed(double, std::size_t precision);

} // namespace kist::cli
