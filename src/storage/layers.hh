// SPDX-License-Identifier: Apache-2.0
// layers/<chain id>/: diff/ (the files, as overlay wants them), layer.json, tar-split.zst, replaced/. A layer appears by one
// rename when it is complete, verified and on disk; it never changes afterwards.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/lock.hh"
#include "storage/image_store.hh"
#include "storage/unpack_protocol.hh"
#include "storage/work_folder.hh"

namespace kist::storage {

/// A layer that is there and cannot be removed while this lives.
struct HeldLayer {
    LayerRecord record;
    FileLock lock;
};

class LayerStore {
public:
    explicit LayerStore(const Store& store) : store_(store) {}

    bool exists(const std::string& chain_id) const;
    std::optional<LayerRecord> read(const std::string& chain_id) const;
    std::vector<std::string> all() const; ///< chain ids
    /// diff/ of a layer, as an absolute path.
    std::string diff_path(const std::string& chain_id) const;
    Dir folder(const std::string& chain_id) const; ///< throws NotFound

    /// Gives the layer `diff_id` on top of `ancestors`. If it is missing, `make` fills a folder that has an empty diff/; of
    /// several commands that want the same layer one makes it and the others wait. May be called by several threads.
    using Make = std::function<LayerReply(const Dir& folder)>;
    HeldLayer get_or_make(const WorkFolder& work, const std::vector<std::string>& ancestors, const std::string& diff_id,
                          const Make& make) const;
    /// As above for content whose digest is only known afterwards (import, commit).
    HeldLayer make_new(const WorkFolder& work, const std::vector<std::string>& ancestors, const Make& make) const;
    /// Whether somebody is at work with it, so that it cannot be removed.
    bool is_held(const std::string& chain_id) const;
    /// False when somebody holds it.
    bool remove(const std::string& chain_id, const WorkFolder& work) const;

    // The parts of which the above is made, for LayerBatch.
    /// The lock of a layer: shared when it is there (is_known), exclusive when the caller is to make it.
    struct Claim {
        HeldLayer layer;
        bool is_known = false;
    };
    Claim claim(const std::vector<std::string>& ancestors, const std::string& diff_id) const;
    /// With an empty diff/.
    Dir new_folder(const WorkFolder& work) const;
    struct Finished {
        const Dir* folder;
        const LayerRecord* record;
    };
    /// Makes them visible once all are on disk; the caller holds their locks. Bottom first: a crash leaves no layer without
    /// what it stands on.
    void place(const WorkFolder& work, const std::vector<Finished>&) const;

private:
    FileLock lock(const std::string& chain_id, LockMode mode) const;
    std::optional<LayerRecord> read_or_clear(const std::string& chain_id) const;
    Dir fill(const WorkFolder& work, const Make& make, LayerRecord& record) const;
    const Store& store_;
};

} // namespace kist::storage
