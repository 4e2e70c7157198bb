// SPDX-License-Identifier: Apache-2.0
// system check: what storage/check.hh finds below the two roots.
#pragma once

#include "engine/engine.hh"
#include "storage/check.hh"

namespace kist::engine {

using storage::CheckOptions;
using storage::Problem;

struct CheckReport {
    std::vector<Problem> problems;
    std::map<std::string, std::int64_t> counts; ///< how many of each kind were looked at
};
CheckReport check_system(Engine&, const CheckOptions&);

} // namespace kist::engine
