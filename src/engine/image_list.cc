// SPDX-License-Identifier: Apache-2.0
// The documents of images, image inspect and history: Docker's fields and Podman's in one row.
#include <algorithm>

#include "base/size.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/image_filter.hh"
#include "engine/image_use_cases.hh"
#include "engine/row_builder.hh"

namespace kist::engine {

namespace {

using storage::ImageRecord;
using storage::Reference;

constexpr std::string_view none = "<none>";

std::string created_ago(std::int64_t created) {
    if (created <= 0) return "N/A";
    return human_duration(std::chrono::nanoseconds(Moment::now().ns - created)) + " ago";
}

std::string shown_id(const std::string& id, bool no_trunc) {
    return no_trunc ? id : id.substr(std::min<std::size_t>(7, id.size()), 12);
}

Value string_list(const std::vector<std::string>& items) { return to_value(items); }

std::vector<std::string> tags_of(const std::vector<Reference>& names) {
    std::vector<std::string> tags;
    for (const Reference& name : names)
        if (!name.tag.empty()) tags.push_back(name.familiar());
    return tags;
}

/// One per repository: the digest is that of the manifest kept here.
std::vector<std::string> digests_of(const ImageRecord& image, const std::vector<Reference>& names) {
    std::vector<std::string> digests;
    for (const Reference& name : names) {
        const std::string text = name.familiar_name() + "@" + image.manifest_digest;
        if (!image.manifest_digest.empty() && std::find(digests.begin(), digests.end(), text) == digests.end())
            digests.push_back(text);
    }
    return digests;
}

/// Those that it has count also where its record is older than histories are.
std::vector<std::string> history_of(const ImageRecord& image, const std::vector<Reference>& names) {
    std::vector<std::string> history;
    const auto add = [&](const Reference& name) {
        if (std::find(history.begin(), history.end(), name.familiar()) == history.end())
            history.push_back(name.familiar());
    };
    for (const std::string& text : image.names_history)
        if (const auto name = Reference::try_parse(text)) add(*name);
    for (const Reference& name : names) add(name);
    return history;
}

struct RowContext {
    const ImageRowOptions& options;
    std::int64_t containers;
};

Value image_row(const ImageRecord& image, const std::vector<Reference>& names, const Reference* name,
                const RowContext& context) {
    RowBuilder row(context.options.wants);
    const auto size = [&] { return human_size(static_cast<double>(image.size)); };
    const auto tags = [&] { return string_list(tags_of(names)); };
    const bool tagged = name != nullptr && !name->tag.empty();
    row.add("Repository", [&] { return name != nullptr ? name->familiar_name() : std::string(none); });
    row.add("Tag", [&] { return tagged ? name->tag : std::string(none); });
    row.add("ID", [&] { return shown_id(image.id, context.options.no_trunc); });
    row.add("Id", [&] { return image.id; });
    row.add("Digest", [&] { return image.manifest_digest.empty() ? std::string(none) : image.manifest_digest; });
    row.add("CreatedSince", [&] { return created_ago(image.created); });
    row.add("CreatedAt", [&] { return to_created_at({image.created}); });
    row.add("Created", [&] { return image.created / 1'000'000'000; });
    row.add("Size", size);
    row.add("VirtualSize", size);
    row.add("SharedSize", [] { return "N/A"; });
    row.add("UniqueSize", [] { return "N/A"; });
    row.add("Containers", [&] { return context.containers; });
    row.add("Labels", [&] { return to_value(image.config.config.labels); });
    row.add("Names", tags);
    row.add("RepoTags", tags);
    row.add("RepoDigests", [&] { return string_list(digests_of(image, names)); });
    row.add("History", [&] { return string_list(history_of(image, names)); });
    row.add("ParentId", [] { return ""; });
    row.add("Dangling", [&] { return names.empty(); });
    row.add("ReadOnly", [] { return false; });
    return row.take();
}

/// True when `reference` (of `images REFERENCE`) means this name: by repository, by full name or by pattern.
bool is_meant(const Reference& name, const std::string& reference) {
    if (glob_match(reference, name.familiar()) || glob_match(reference, name.familiar_name())) return true;
    const auto parsed = Reference::try_parse(reference);
    if (!parsed) return false;
    const bool names_tag =
        reference.find(':', reference.rfind('/') == std::string::npos ? 0 : reference.rfind('/')) != std::string::npos;
    return parsed->familiar_name() == name.familiar_name() && (!names_tag || parsed->tag == name.tag);
}

std::map<std::string, std::int64_t> containers_by_image(Engine& engine) {
    std::map<std::string, std::int64_t> count;
    for (const auto& view : engine.containers().all()) ++count[view.config.image_id];
    return count;
}

/// What rows are ordered by; numbers as text of one length.
std::string sort_key(const ImageRecord& image, const Reference* name, const std::string& by) {
    if (by == "id") return image.id;
    if (by == "size") return fmt::format("{:020}", image.size);
    const std::string tag = name != nullptr && !name->tag.empty() ? name->tag : std::string(none);
    if (by == "tag") return tag;
    return (name != nullptr ? name->familiar_name() : std::string(none)) + "\n" + tag;
}

/// Pointers: a record is large, and sorting moves each several times.
std::vector<const ImageRecord*> by_age(const std::vector<ImageRecord>& images) {
    std::vector<const ImageRecord*> sorted;
    sorted.reserve(images.size());
    for (const ImageRecord& image : images) sorted.push_back(&image);
    std::stable_sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->created > b->created; });
    return sorted;
}

void check_sort(const std::string& by) {
    static const std::vector<std::string> known = {"", "created", "id", "repository", "size", "tag"};
    if (std::find(known.begin(), known.end(), by) == known.end())
        throw UsageError("invalid value '{}' for --sort: it is created, id, repository, size or tag", printable(by));
}

} // namespace

std::vector<Value> list_images(Engine& engine, const ImageListOptions& options, const ImageRowOptions& row) {
    check_sort(options.sort);
    const ImageFilter filter = ImageFilter::parse(engine, options.filters);
    const std::vector<ImageRecord> images = engine.images().all();
    const std::vector<const ImageRecord*> newest_first = by_age(images);
    const auto all_names = engine.images().all_names();
    const auto containers =
        row.wants("Containers") ? containers_by_image(engine) : std::map<std::string, std::int64_t>{};
    static const std::vector<Reference> no_names;
    std::vector<std::pair<std::string, Value>> keyed;
    const bool as_made = options.sort.empty() || options.sort == "created";
    const auto add = [&](const ImageRecord& image, const std::vector<Reference>& names, const Reference* name) {
        const auto used = containers.find(image.id);
        const RowContext context{row, used != containers.end() ? used->second : 0};
        keyed.emplace_back(as_made ? "" : sort_key(image, name, options.sort), image_row(image, names, name, context));
    };
    for (const ImageRecord* entry : newest_first) {
        const ImageRecord& image = *entry;
        const auto found = all_names.find(image.id);
        const std::vector<Reference>& names = found != all_names.end() ? found->second : no_names;
        if (!filter.matches({image, names})) continue;
        for (const Reference& name : names)
            if (filter.matches_name(name) && (options.reference.empty() || is_meant(name, options.reference)))
                add(image, names, &name);
        if (names.empty() && options.reference.empty()) add(image, names, nullptr);
    }
    std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Value> rows;
    for (auto& [key, made] : keyed) rows.push_back(std::move(made));
    return rows;
}

Value inspect_image(Engine& engine, const ImageRecord& image) {
    const auto names = engine.images().names_of(*Digest::parse(image.id));
    const oci::ImageConfig& config = image.config;
    Value document = Value::object();
    document.set("Id", image.id);
    document.set("Digest", image.manifest_digest);
    document.set("RepoTags", string_list(tags_of(names)));
    document.set("RepoDigests", string_list(digests_of(image, names)));
    document.set("Parent", "");
    document.set("Comment", config.history.empty() ? "" : config.history.back().comment);
    document.set("Created", to_rfc3339({image.created}));
    document.set("DockerVersion", "");
    document.set("Author", config.author);
    document.set("Config", to_value(config.config, Write::everything));
    document.set("Architecture", config.architecture);
    document.set("Variant", config.variant);
    document.set("Os", config.os);
    document.set("Size", image.size);
    document.set("VirtualSize", image.size);
    Value driver = Value::object();
    driver.set("Name", engine.store().driver());
    driver.set("Data", Value::object());
    document.set("GraphDriver", driver);
    Value layers = Value::object();
    layers.set("Type", config.rootfs.type);
    layers.set("Layers", string_list(config.rootfs.diff_ids));
    document.set("RootFS", layers);
    Value metadata = Value::object();
    metadata.set("LastTagTime", to_rfc3339({image.stored}));
    document.set("Metadata", metadata);
    document.set("Labels", to_value(config.config.labels));
    document.set("User", config.config.user);
    document.set("ManifestType", image.manifest_type);
    document.set("NamesHistory", string_list(history_of(image, names)));
    document.set("History", to_value(config.history, Write::everything));
    return document;
}

std::vector<Value> history(Engine& engine, const ImageRecord& image, bool no_trunc, bool human) {
    constexpr std::size_t width = 45;
    std::vector<Value> rows;
    std::size_t layer = 0;
    for (const oci::History& step : image.config.history) {
        std::int64_t size = 0;
        if (!step.empty_layer && layer < image.chain_ids.size())
            size = engine.images().layer(image.chain_ids[layer++]).size;
        const std::int64_t created = parse_rfc3339(step.created).value_or(Moment{}).ns;
        Value row = Value::object();
        row.set("ID", std::string("<missing>"));
        row.set("CreatedSince", human ? created_ago(created) : to_rfc3339({created}));
        row.set("CreatedAt", to_rfc3339({created}));
        row.set("Created", human ? created_ago(created) : to_rfc3339({created}));
        row.set("CreatedBy", no_trunc ? step.created_by : ellipsis(step.created_by, width));
        row.set("Size", human ? human_size(static_cast<double>(size)) : std::to_string(size));
        row.set("Comment", step.comment);
        row.set("Tags", string_list({}));
        rows.push_back(std::move(row));
    }
    std::reverse(rows.begin(), rows.end());
    if (!rows.empty()) {
        rows.front().set("ID", shown_id(image.id, no_trunc));
        rows.front().set("Tags", string_list(tags_of(engine.images().names_of(*Digest::parse(image.id)))));
    }
    return rows;
}

} // namespace kist::engine
