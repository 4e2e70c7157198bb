// SPDX-License-Identifier: Apache-2.0
// What a registry has: the tags of a repository, and repositories by a word.
#pragma once

#include "fetch/session.hh"

namespace kist::fetch {

/// All pages. Throws Error for a registry that does not come to an end.
std::vector<std::string> list_tags(Session&);
/// Rows {"name", "description", "stars", "official", "automated"}: by Docker Hub's search, or by the registry's own catalogue.
Value search_images(Session&, const std::string& words, std::int64_t limit);

} // namespace kist::fetch
