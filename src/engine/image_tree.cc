// SPDX-License-Identifier: Apache-2.0
// image tree: an image's layers, and which images they are the top of.
#include "engine/image_tree.hh"

#include "base/size.hh"
#include "base/text.hh"
#include "storage/layers.hh"

namespace kist::engine {

namespace {

using storage::LayerRecord;

std::string list_of(const std::vector<std::string>& names) { return "[" + join(names, ", ") + "]"; }

std::string line_of(const TreeLayer& layer) {
    std::string line = "ID: " + layer.id.substr(7, 12) + " Size: " + human_size(static_cast<double>(layer.size));
    if (!layer.top_of.empty()) line += " Top Layer of: " + list_of(layer.top_of);
    return line;
}

void add_lines(std::string& text, const std::vector<TreeLayer>& layers, const std::string& indent) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const bool is_last = i + 1 == layers.size();
        text += indent + (is_last ? "└── " : "├── ") + line_of(layers[i]) + "\n";
        add_lines(text, layers[i].above, indent + (is_last ? "    " : "│   "));
    }
}

class Tree {
public:
    explicit Tree(Engine& engine) : engine_(engine) {
        const auto names = engine.images().all_names();
        for (const storage::ImageRecord& image : engine.images().all()) {
            const auto found = names.find(image.id);
            if (found == names.end()) continue;
            for (const storage::Reference& name : found->second) tops_[image.top_layer].push_back(name.str());
        }
        const storage::LayerStore layers(engine.store());
        for (const std::string& id : layers.all())
            if (const auto record = layers.read(id); record && !record->ancestors.empty())
                above_[record->ancestors.back()].push_back(id);
    }

    TreeLayer layer(const std::string& id) const {
        TreeLayer layer{.id = id, .size = engine_.images().layer(id).size};
        if (const auto found = tops_.find(id); found != tops_.end()) layer.top_of = found->second;
        return layer;
    }
    TreeLayer with_above(const std::string& id) const {
        TreeLayer layer = this->layer(id);
        if (const auto found = above_.find(id); found != above_.end())
            for (const std::string& child : found->second) layer.above.push_back(with_above(child));
        return layer;
    }

private:
    Engine& engine_;
    std::map<std::string, std::vector<std::string>> tops_, above_;
};

} // namespace

std::string draw_tree(const std::string& id, const std::vector<std::string>& tags, std::int64_t size,
                      const std::vector<TreeLayer>& layers) {
    std::string text = "Image ID: " + id.substr(7, 12) + "\nTags:     " + list_of(tags) +
                       "\nSize:     " + human_size(static_cast<double>(size)) + "\n";
    if (layers.empty()) return text + "No Image Layers\n";
    text += "Image Layers\n";
    add_lines(text, layers, "");
    return text;
}

std::string image_tree(Engine& engine, const storage::ImageRecord& image, bool what_requires) {
    std::vector<std::string> tags;
    for (const storage::Reference& name : engine.images().names_of(*Digest::parse(image.id)))
        tags.push_back(name.str());
    const Tree tree(engine);
    std::vector<TreeLayer> layers;
    if (what_requires) {
        if (!image.top_layer.empty()) layers.push_back(tree.with_above(image.top_layer));
    } else {
        for (const std::string& id : image.chain_ids) layers.push_back(tree.layer(id));
    }
    return draw_tree(image.id, tags, image.size, layers);
}

} // namespace kist::engine
