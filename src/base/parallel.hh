// SPDX-License-Identifier: Apache-2.0
// The same work on many independent things, on several processors: what a listing of a thousand records needs.
#pragma once

#include <cstddef>
#include <functional>

namespace kist {

/// Calls body(0) … body(count - 1), each once, in any order and, when there are many, from several threads. What one
/// of them throws is thrown here after all threads have ended.
void in_parallel(std::size_t count, const std::function<void(std::size_t)>& body);

} // namespace kist
