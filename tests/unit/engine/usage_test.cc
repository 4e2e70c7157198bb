// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include "engine/disk_usage.hh"
#include "engine/image_tree.hh"

using namespace kist;
using namespace kist::engine;

namespace {

ImageUse image(std::vector<std::string> layers, std::int64_t containers) {
    ImageUse use;
    use.image.chain_ids = std::move(layers);
    use.containers = containers;
    return use;
}

storage::LayerRecord layer(const std::string& id, std::int64_t size) {
    storage::LayerRecord record;
    record.chain_id = id;
    record.size = size;
    return record;
}

const std::string digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

} // namespace

TEST_CASE("a layer counts once however many images have it, and is kept by any image in use") {
    const Usage sum =
        sum_images({image({"a", "b"}, 1), image({"a", "c"}, 0)}, {layer("a", 100), layer("b", 10), layer("c", 1)});
    CHECK(sum.total == 2);
    CHECK(sum.active == 1);
    CHECK(sum.size == 111);
    CHECK(sum.reclaimable == 1);
}

TEST_CASE("layers that no image has any more can be freed") {
    const Usage sum = sum_images({}, {layer("left", 7)});
    CHECK(sum.total == 0);
    CHECK(sum.size == 7);
    CHECK(sum.reclaimable == 7);
}

TEST_CASE("a tree is drawn with its branches") {
    const TreeLayer top{digest, 1000, {"docker.io/library/web:1"}, {}}, plain{digest, 2000, {}, {}};
    CHECK(draw_tree(digest, {"docker.io/library/web:1"}, 3000, {plain, top}) ==
          "Image ID: 0123456789ab\nTags:     [docker.io/library/web:1]\nSize:     3kB\nImage Layers\n"
          "├── ID: 0123456789ab Size: 2kB\n"
          "└── ID: 0123456789ab Size: 1kB Top Layer of: [docker.io/library/web:1]\n");
    TreeLayer root = plain;
    root.above = {top, plain};
    CHECK(draw_tree(digest, {}, 0, {root}) ==
          "Image ID: 0123456789ab\nTags:     []\nSize:     0B\nImage Layers\n"
          "└── ID: 0123456789ab Size: 2kB\n"
          "    ├── ID: 0123456789ab Size: 1kB Top Layer of: [docker.io/library/web:1]\n"
          "    └── ID: 0123456789ab Size: 2kB\n");
    CHECK(draw_tree(digest, {}, 0, {}) == "Image ID: 0123456789ab\nTags:     []\nSize:     0B\nNo Image Layers\n");
}
