// SPDX-License-Identifier: Apache-2.0
// Finding and reading images and layers. No lock is taken: every record appears and changes in one step.
#include "storage/image_store.hh"

#include <algorithm>

#include "base/error.hh"
#include "base/log.hh"
#include "base/parallel.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "storage/event_log.hh"
#include "storage/image_names.hh"
#include "storage/record.hh"

namespace kist::storage {
namespace {

constexpr std::string_view record_suffix = ".json";
constexpr std::string_view digest_prefix = "sha256:";
/// SECURITY P9: manifests and configs are at most this.
constexpr std::size_t content_limit = 4u << 20;

std::string record_name(const Digest& id) { return id.hex() + std::string(record_suffix); }

std::optional<ImageRecord> read_image(const Store& store, const Digest& id) {
    const auto images = store.data().open_dir_if_exists("images");
    if (!images) return std::nullopt;
    return read_record<ImageRecord>(*images, record_name(id));
}

std::vector<Digest> image_ids(const Store& store) {
    std::vector<Digest> ids;
    const auto images = store.data().open_dir_if_exists("images");
    if (!images) return ids;
    for (const std::string& name : images->names()) {
        if (!name.ends_with(record_suffix)) continue;
        if (auto id = Digest::from_hex(std::string_view(name).substr(0, name.size() - record_suffix.size())))
            ids.push_back(*id);
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

std::optional<Digest> find_by_prefix(const Store& store, std::string_view prefix) {
    if (prefix.starts_with(digest_prefix)) prefix.remove_prefix(digest_prefix.size());
    if (prefix.empty() || prefix.size() > 64 || !is_lower_hex(prefix)) return std::nullopt;
    std::vector<std::string> matches;
    std::optional<Digest> found;
    for (const Digest& id : image_ids(store)) {
        if (!id.hex().starts_with(prefix)) continue;
        found = id;
        matches.push_back(id.short_id());
    }
    if (matches.size() > 1)
        throw Error("image id '{}' is ambiguous: it may be {}", prefix, quoted_choice(matches))
            .with_exit_code(ExitCode::failure);
    return found;
}

/// name@digest: the digest may be the manifest's or, for an image that never was in a registry, its id.
std::optional<Digest> find_by_digest(const Store& store, const Reference& wanted) {
    for (const auto& [name, id] : ImageNames(store).all()) {
        if (name.domain != wanted.domain || name.path != wanted.path) continue;
        if (id == wanted.digest) return id;
        const auto record = read_image(store, id);
        if (record && record->manifest_digest == wanted.digest.str()) return id;
    }
    return std::nullopt;
}

std::optional<Digest> find_id(const Store& store, std::string_view text) {
    if (const auto id = Digest::parse(text)) return id;
    if (const auto id = Digest::from_hex(text)) return id;
    if (const auto reference = Reference::try_parse(text)) {
        if (const auto id = ImageNames(store).find(*reference)) return id;
        if (!reference->digest.empty()) return find_by_digest(store, *reference);
    }
    return find_by_prefix(store, text);
}

std::string read_content(const Store& store, const std::string& digest_text, const std::string& what) {
    const auto digest = Digest::parse(digest_text);
    if (!digest) throw Error("reading {}: '{}' is no digest", what, digest_text);
    const Dir folder = store.data().open_dir("content").open_dir("sha256");
    const std::string bytes = read_file(folder, digest->hex(), content_limit);
    if (sha256(bytes) != *digest) throw Error("reading {}: '{}' is damaged: it has another digest", what, digest_text);
    return bytes;
}

} // namespace

std::vector<std::string> ImageRecord::content() const {
    std::vector<std::string> found = {manifest_digest};
    if (!is_list()) found.push_back(id);
    for (const ListSource& source : sources) found.insert(found.end(), source.content.begin(), source.content.end());
    return found;
}

std::string chain_id(const std::string& parent, const std::string& diff_id) {
    return parent.empty() ? diff_id : sha256(parent + " " + diff_id).str();
}

bool ImageRecord::was_named(const Reference& name) {
    const std::string text = name.str();
    if (!names_history.empty() && names_history.front() == text) return false;
    std::erase(names_history, text);
    names_history.insert(names_history.begin(), text);
    if (names_history.size() > most_names) names_history.resize(most_names);
    return true;
}

std::optional<ImageRecord> ImageStore::find(std::string_view reference) const {
    const auto id = find_id(store_, reference);
    if (!id) return std::nullopt;
    return read_image(store_, *id);
}

ImageRecord ImageStore::get(std::string_view reference) const {
    if (auto record = find(reference)) return std::move(*record);
    const auto name = Reference::try_parse(reference);
    throw NotFound("no such image: {}", name ? name->familiar() : printable(reference));
}

std::vector<ImageRecord> ImageStore::all() const {
    const auto images = store_.data().open_dir_if_exists("images");
    if (!images) return {};
    const std::vector<Digest> ids = image_ids(store_);
    std::vector<std::optional<ImageRecord>> found(ids.size());
    std::vector<std::string> damage(ids.size());
    in_parallel(ids.size(), [&](std::size_t i) {
        try {
            found[i] = read_record<ImageRecord>(*images, record_name(ids[i]));
        } catch (const Error& error) {
            damage[i] = error.what();
        }
    });
    std::vector<ImageRecord> records;
    records.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (found[i]) records.push_back(std::move(*found[i]));
        // it does not hide the others; `system check` names it
        else if (!damage[i].empty()) log::warn("image {}: {}", ids[i].short_id(), damage[i]);
    }
    return records;
}

std::vector<Reference> ImageStore::names_of(const Digest& image_id) const {
    std::vector<Reference> names;
    for (auto& [name, id] : ImageNames(store_).all())
        if (id == image_id) names.push_back(std::move(name));
    return names;
}

std::map<std::string, std::vector<Reference>> ImageStore::all_names() const {
    std::map<std::string, std::vector<Reference>> names;
    for (auto& [name, id] : ImageNames(store_).all()) names[id.str()].push_back(std::move(name));
    return names;
}

std::string ImageStore::raw_config(const ImageRecord& image) const {
    if (image.is_list()) throw Error("'{}' is a manifest list, not an image", image.id);
    return read_content(store_, image.id, "the configuration of image '" + image.id + "'");
}

std::string ImageStore::raw_manifest(const ImageRecord& image) const {
    return read_content(store_, image.manifest_digest, "the manifest of image '" + image.id + "'");
}

LayerRecord ImageStore::layer(const std::string& chain) const {
    const auto digest = Digest::parse(chain);
    if (!digest) throw Error("'{}' is no layer id", printable(chain));
    const auto layers = store_.data().open_dir_if_exists("layers");
    const auto folder = layers ? layers->open_dir_if_exists(digest->hex()) : std::nullopt;
    auto record = folder ? read_record<LayerRecord>(*folder, "layer.json") : std::nullopt;
    if (!record) throw NotFound("no such layer: {}", chain);
    return std::move(*record);
}

FileLock ImageStore::lock() const { return FileLock::acquire(store_.data().create_dir("images"), "lock"); }

void ImageStore::tag(const Digest& image_id, const Reference& name) {
    const FileLock lock_held = lock();
    auto record = read_image(store_, image_id);
    if (!record) throw NotFound("no such image: {}", image_id.str());
    if (record->was_named(name))
        write_record(store_.data().open_dir("images"), image_id.hex() + std::string(record_suffix), *record,
                     Durability::durable);
    ImageNames(store_).set(name, image_id);
    append_event(store_.data(),
                 {.type = "image", .action = "tag", .id = image_id.str(), .attributes = {{"name", name.familiar()}}});
}

bool ImageStore::untag(const Reference& name) {
    const auto image = find(name.str());
    if (!ImageNames(store_).remove(name)) return false;
    append_event(
        store_.data(),
        {.type = "image", .action = "untag", .id = image ? image->id : "", .attributes = {{"name", name.familiar()}}});
    return true;
}

} // namespace kist::storage
