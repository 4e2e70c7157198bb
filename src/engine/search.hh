// SPDX-License-Identifier: Apache-2.0
// search: images of a registry by a word.
#pragma once

#include <string>
#include <vector>

#include "base/value.hh"
#include "engine/engine.hh"
#include "engine/registry_access.hh"

namespace kist::engine {

struct SearchOptions : RegistryOptions {
    int limit = 25;
    bool no_trunc = false;
    std::vector<std::string> filters; ///< stars=N, is-official[=BOOL], is-automated[=BOOL]
};
/// Rows with Index, Name, Description, Stars, Official, Automated. `term`: "word" (Docker Hub) or "HOST[:PORT]/word".
std::vector<Value> search(Engine&, const std::string& term, const SearchOptions&);

} // namespace kist::engine
