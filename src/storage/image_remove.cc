// SPDX-License-Identifier: Apache-2.0
// Removing an image: the record goes first, so that a crash leaves files that nothing names and never a record without its
// layers. What is left then goes with the next removal, which looks at everything, not only at its own image.
#include <set>

#include "base/error.hh"
#include "storage/event_log.hh"
#include "storage/image_names.hh"
#include "storage/image_store.hh"
#include "storage/layers.hh"

namespace kist::storage {
namespace {

struct InUse {
    std::set<std::string> chains;
    std::set<std::string> content; ///< hex
};

InUse collect(const ImageStore& images, const LayerStore& layers, const std::vector<std::string>& tops) {
    InUse used;
    for (const ImageRecord& image : images.all()) {
        used.chains.insert(image.chain_ids.begin(), image.chain_ids.end());
        for (const std::string& text : image.content())
            if (const auto digest = Digest::parse(text)) used.content.insert(digest->hex());
    }
    for (const std::string& top : tops) {
        used.chains.insert(top);
        if (const auto record = layers.read(top))
            used.chains.insert(record->ancestors.begin(), record->ancestors.end());
    }
    return used;
}

void remove_unused_content(const Store& store, const InUse& used) {
    const auto content = store.data().open_dir_if_exists("content");
    const auto folder = content ? content->open_dir_if_exists("sha256") : std::nullopt;
    if (!folder) return;
    for (const std::string& name : folder->names())
        if (!used.content.contains(name)) folder->remove_file(name);
}

} // namespace

std::vector<std::string> ImageStore::remove(const Digest& image_id, const std::vector<std::string>& layers_in_use) {
    sweep_work_folders(store_);
    const auto record = find(image_id.str());
    if (!record) throw NotFound("no such image: {}", image_id.str());
    for (const Reference& name : names_of(image_id)) untag(name);
    const Dir images = store_.data().create_dir("images");
    images.remove_file(image_id.hex() + ".json");
    images.sync();

    std::vector<std::string> removed{image_id.str()};
    const LayerStore layers(store_);
    const InUse used = collect(*this, layers, layers_in_use);
    const WorkFolder work(store_);
    for (auto chain = record->chain_ids.rbegin(); chain != record->chain_ids.rend(); ++chain)
        if (!used.chains.contains(*chain) && layers.exists(*chain) && layers.remove(*chain, work))
            removed.push_back(*chain);
    for (const std::string& chain : layers.all())
        if (!used.chains.contains(chain)) layers.remove(chain, work);
    remove_unused_content(store_, used);
    append_event(store_.data(),
                 {.type = "image", .action = "delete", .id = record->id, .attributes = {{"name", record->id}}});
    return removed;
}

} // namespace kist::storage
