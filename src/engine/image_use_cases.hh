// SPDX-License-Identifier: Apache-2.0
// Use cases on images: what the image store alone cannot decide (names in use, filters, --change, output documents).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/value.hh"
#include "engine/engine.hh"

namespace kist::engine {

struct ImageRemoveOptions {
    bool force = false;
    bool no_prune = false;
    bool ignore = false;
    std::function<void(const std::string&)> warn; ///< of lists that name a removed image; may be empty
};
/// Lines as docker prints them: "Untagged: …", "Deleted: sha256:…". Conflict texts of SEEDS A175.
std::vector<std::string> remove_image(Engine&, const std::string& reference, const ImageRemoveOptions&);

struct ImageListOptions {
    bool all = false;
    std::vector<std::string> filters;
    std::string reference;
    std::string sort; ///< created, id, repository (then tag), size or tag; empty: created
};
struct ImageRowOptions {
    bool no_trunc = false;
    std::function<bool(std::string_view)> wants; ///< the members to make
};
/// One row per name (or one "<none>" row), newest first, with those of Docker's and Podman's placeholders that are wanted.
std::vector<Value> list_images(Engine&, const ImageListOptions&, const ImageRowOptions&);
Value inspect_image(Engine&, const storage::ImageRecord&);
std::vector<Value> history(Engine&, const storage::ImageRecord&, bool no_trunc, bool human);

struct PruneResult {
    std::vector<std::string> lines;
    std::int64_t reclaimed = 0;
};
PruneResult prune_images(Engine&, bool all, const std::vector<std::string>& filters);

/// "ENV A=1", "CMD [\"sh\"]", "EXPOSE 80", … of --change, as `import` and `commit` take them. Throws UsageError.
oci::ContainerDefaults apply_changes(const std::vector<std::string>& changes, oci::ContainerDefaults to = {});

/// The documents of `info` and `version`.
Value info(Engine&);
Value version();

} // namespace kist::engine
