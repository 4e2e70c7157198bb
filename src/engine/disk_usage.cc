// SPDX-License-Identifier: Apache-2.0
// Counting bytes for system df.
#include "engine/disk_usage.hh"

#include <algorithm>
#include <map>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/parallel.hh"
#include "engine/describe.hh"
#include "engine/log_options.hh"
#include "storage/layers.hh"

namespace kist::engine {

namespace {

using storage::ImageRecord;
using storage::LayerRecord;
using storage::Status;

bool is_active(const storage::ContainerView& view) {
    const Status status = view.state.status;
    return status == Status::running || status == Status::paused || status == Status::stopping;
}

/// The log and its rotated ones.
std::int64_t log_bytes(Engine& engine, const storage::ContainerConfig& config) {
    std::int64_t bytes = 0;
    const Dir data = engine.containers().data_dir(*ContainerId::parse(config.id));
    const std::string log = log_file_name(config);
    for (const std::string& name : data.names()) {
        struct stat st;
        if (!name.starts_with(log) || ::fstatat(data.fd().get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISREG(st.st_mode)) bytes += st.st_size;
    }
    return bytes;
}

std::vector<ContainerUse> use_of_containers(Engine& engine) {
    std::vector<storage::ContainerView> views = engine.containers().all();
    std::vector<ContainerUse> uses(views.size());
    in_parallel(views.size(), [&](std::size_t i) {
        uses[i].view = std::move(views[i]);
        if (!uses[i].view.damage.empty()) return;
        try {
            uses[i].own = disk_use(engine, uses[i].view.config).own;
            uses[i].logs = log_bytes(engine, uses[i].view.config);
        } catch (const NotFound&) { // removed meanwhile
        }
    });
    return uses;
}

std::map<std::string, int> images_by_layer(const std::vector<ImageRecord>& images) {
    std::map<std::string, int> count;
    for (const ImageRecord& image : images)
        for (const std::string& layer : std::set<std::string>(image.chain_ids.begin(), image.chain_ids.end()))
            ++count[layer];
    return count;
}

std::vector<LayerRecord> all_layers(Engine& engine) {
    const storage::LayerStore store(engine.store());
    std::vector<LayerRecord> layers;
    for (const std::string& id : store.all())
        if (auto record = store.read(id)) layers.push_back(std::move(*record));
    return layers;
}

Usage sum_containers(const std::vector<ContainerUse>& containers) {
    Usage sum;
    for (const ContainerUse& use : containers) {
        ++sum.total;
        sum.size += use.own;
        if (is_active(use.view)) ++sum.active;
        else sum.reclaimable += use.own;
    }
    return sum;
}

/// Active is what a container uses, running or not: only the others can go.
Usage sum_volumes(const std::vector<VolumeUse>& volumes) {
    Usage sum;
    for (const VolumeUse& use : volumes) {
        ++sum.total;
        sum.size += use.size;
        if (use.view.users.empty()) sum.reclaimable += use.size;
        else ++sum.active;
    }
    return sum;
}

} // namespace

Usage sum_images(const std::vector<ImageUse>& images, const std::vector<LayerRecord>& layers) {
    Usage sum;
    std::set<std::string> used;
    for (const ImageUse& use : images) {
        ++sum.total;
        if (use.containers == 0) continue;
        ++sum.active;
        used.insert(use.image.chain_ids.begin(), use.image.chain_ids.end());
    }
    for (const LayerRecord& layer : layers) {
        sum.size += layer.size;
        if (!used.contains(layer.chain_id)) sum.reclaimable += layer.size;
    }
    return sum;
}

DiskUsage disk_usage(Engine& engine) {
    DiskUsage usage;
    engine.images(); // opened before threads ask for it
    usage.containers = use_of_containers(engine);
    std::map<std::string, std::int64_t> containers;
    for (const ContainerUse& use : usage.containers) ++containers[use.view.config.image_id];
    const std::vector<LayerRecord> layers = all_layers(engine);
    std::map<std::string, std::int64_t> sizes;
    for (const LayerRecord& layer : layers) sizes[layer.chain_id] = layer.size;
    std::vector<ImageRecord> images = engine.images().all();
    std::stable_sort(images.begin(), images.end(), [](const auto& a, const auto& b) { return a.created > b.created; });
    const auto users = images_by_layer(images);
    auto names = engine.images().all_names();
    for (ImageRecord& image : images) {
        ImageUse use;
        for (const std::string& layer : image.chain_ids)
            if (users.at(layer) > 1) use.shared += sizes[layer];
        use.containers = containers[image.id];
        use.names = std::move(names[image.id]);
        use.image = std::move(image);
        usage.images.push_back(std::move(use));
    }
    usage.image_sum = sum_images(usage.images, layers);
    usage.container_sum = sum_containers(usage.containers);
    for (VolumeView& view : list_volumes(engine, {})) {
        const std::int64_t size = volume_size(engine, view.record.name);
        usage.volumes.push_back({std::move(view), size});
    }
    usage.volume_sum = sum_volumes(usage.volumes);
    return usage;
}

} // namespace kist::engine
