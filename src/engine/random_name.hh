// SPDX-License-Identifier: Apache-2.0
// A name for a container whose user gave none.
#pragma once

#include <string>

namespace kist::engine {

/// "practical_franklin"; from the fourth collision on with a number, so that any count of containers finds names.
std::string random_name(int attempt);

} // namespace kist::engine
