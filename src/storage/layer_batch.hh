// SPDX-License-Identifier: Apache-2.0
// Several layers made at the same time: each by a kist-unpack of its own, all synced to disk once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "storage/layers.hh"
#include "storage/unpack_client.hh"

namespace kist::storage {

class LayerBatch {
public:
    LayerBatch(const LayerStore& layers, const WorkFolder& work) : layers_(layers), work_(work) {}

    /// The layer `diff_id` on top of those added before. If it is missing, `start` begins to fill a folder that has an empty
    /// diff/. Waits when as many are at work as there are processors, and for another command that makes the same layer; such
    /// waits are bottom first in every command, so none waits for one that waits for it.
    void add(const std::string& diff_id, const std::function<Unpacking(const Dir& folder)>& start);
    /// All of them, bottom first, complete and on disk. Throws the first failure; nothing is stored then.
    std::vector<HeldLayer> finish();

private:
    struct Entry {
        HeldLayer layer;
        Dir folder; ///< empty: it was there already
        std::optional<Unpacking> work = std::nullopt;
        std::string diff_id = {};
    };
    void wait_for(Entry&);

    const LayerStore& layers_;
    const WorkFolder& work_;
    std::vector<Entry> entries_;
    std::vector<std::string> chain_;
    std::size_t waited_ = 0; ///< entries before this one have ended
};

} // namespace kist::storage
