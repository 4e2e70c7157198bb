// SPDX-License-Identifier: Apache-2.0
// image tree: the layers of an image as text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.hh"

namespace kist::engine {

struct TreeLayer {
    std::string id; ///< chain id
    std::int64_t size = 0;
    std::vector<std::string> top_of = {}; ///< names of the images that it is the top layer of
    std::vector<TreeLayer> above = {};    ///< layers that were made on it
};
/// Pure.
std::string draw_tree(const std::string& id, const std::vector<std::string>& tags, std::int64_t size,
                      const std::vector<TreeLayer>& layers);

/// The image's layers from the bottom, or with `what_requires` its top layer and everything that was made on it.
std::string image_tree(Engine&, const storage::ImageRecord&, bool what_requires);

} // namespace kist::engine
