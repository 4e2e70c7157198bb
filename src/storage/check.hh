// SPDX-License-Identifier: Apache-2.0
// `system check`: looks at everything below the two roots, names what is wrong and mends what can be mended without a loss. What
// cannot be mended stays as it is, with a word on what the user can do. Other commands may run meanwhile: what they are at work
// on is locked, and is left alone.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/container_store.hh"
#include "storage/image_store.hh"
#include "storage/layers.hh"
#include "storage/volume_store.hh"

namespace kist::storage {

struct Problem {
    std::string kind;   ///< container, name, image, layer, content, volume, temporary
    std::string object; ///< its name, ID or digest
    std::string what;
    std::string advice; ///< what a user can do about it
    bool repairable = false;
    bool repaired = false;
};

struct CheckOptions {
    bool repair = false;
    bool quick = false; ///< do not read the contents of layers
    bool force = false; ///< repair, and remove the containers that cannot be mended (engine::check_system)
    /// Layers that nothing uses are left over once they are that old. What a command is at work with is locked, so 0 is safe.
    std::chrono::nanoseconds unused_for{0};
};

class StoreCheck {
public:
    StoreCheck(const Store& store, CheckOptions options);
    /// All of it, in the order in which a repair has to go. A repair that fails is told in its problem.
    void run();
    const std::vector<Problem>& problems() const { return problems_; }
    /// How many of each kind were looked at.
    const std::map<std::string, std::int64_t>& counts() const { return counts_; }
    /// After run(): containers with a damaged record, or with layers that are damaged or missing. They keep what is broken from
    /// being taken away.
    std::vector<ContainerId> hopeless() const;

private:
    using Mend = std::function<void()>;
    /// Notes a problem; with --repair mends it at once. Without `mend` there is nothing that we can do.
    void note(Problem problem, const Mend& mend = {});

    // check_containers.cc
    void check_containers();
    void check_container(const ContainerId&);
    void check_files(const ContainerId&, const ContainerView&);
    void check_container_name(const ContainerConfig&);
    void check_needs(const ContainerView&);
    void check_names();
    void check_remainders();
    std::string name_target(const std::string& name) const;

    // check_images.cc
    std::set<std::string> layers_of(const ContainerConfig&) const;
    void check_layers();
    void check_layer(const std::string& chain);
    bool is_young(const std::string& chain) const;
    std::string fault_of_layer(const std::string& chain) const;
    void check_images();
    void check_image(const Digest& id);
    std::string fault_of_image(const ImageRecord&) const;
    void check_image_names();
    void check_content();
    void check_blob(const std::string& digest) const;
    void remove_image(const Digest& id);
    void remove_layer(const std::string& chain);

    // check_volumes.cc
    void check_volumes();
    void check_volume(const std::string& name);
    void check_temporary();

    const Store& store_;
    CheckOptions options_;
    ContainerStore containers_;
    ImageStore images_;
    LayerStore layers_;
    VolumeStore volumes_;
    std::vector<Problem> problems_;
    std::map<std::string, std::int64_t> counts_;
    std::set<std::string> broken_layers_; ///< chain ids
    std::set<std::string> used_layers_;   ///< by containers, with all that is below them
    std::set<std::string> known_layers_;  ///< of images
    std::set<std::string> known_content_; ///< hex
};

} // namespace kist::storage
