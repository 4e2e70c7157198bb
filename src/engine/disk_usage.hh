// SPDX-License-Identifier: Apache-2.0
// What images, containers and volumes take on disk, and what of it could be freed: system df.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.hh"
#include "engine/volumes.hh"

namespace kist::engine {

struct ImageUse {
    storage::ImageRecord image;
    std::vector<storage::Reference> names;
    std::int64_t shared = 0; ///< of its layers, what other images use too
    std::int64_t containers = 0;
    std::int64_t unique() const { return image.size - shared; }
};
struct ContainerUse {
    storage::ContainerView view;
    std::int64_t own = 0;  ///< bytes of the upper layer
    std::int64_t logs = 0; ///< bytes of its log files
};

struct VolumeUse {
    VolumeView view;
    std::int64_t size = 0; ///< bytes of its files; 0 for one that lies elsewhere
};

struct Usage {
    std::int64_t total = 0, active = 0;
    std::int64_t size = 0, reclaimable = 0; ///< bytes
};

struct DiskUsage {
    std::vector<ImageUse> images; ///< newest first
    std::vector<ContainerUse> containers;
    std::vector<VolumeUse> volumes; ///< by name
    Usage image_sum, container_sum, volume_sum;
};
/// Walks the upper layers of all containers.
DiskUsage disk_usage(Engine&);

/// The plain sums, each layer counted once: `used` are the top layers of containers' images. Pure.
Usage sum_images(const std::vector<ImageUse>&, const std::vector<storage::LayerRecord>& layers);

} // namespace kist::engine
