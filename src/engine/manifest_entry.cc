// SPDX-License-Identifier: Apache-2.0
// Looking here first, then in the registry.
#include "engine/manifest_entry.hh"

#include "base/error.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "registry/fetcher.hh"
#include "storage/programs.hh"

namespace kist::engine {
namespace {

using storage::ImageRecord;
using storage::Reference;
constexpr std::string_view from_registry = "docker://";
constexpr std::string_view from_here = "containers-storage:";

ListEntry entry_of(Engine& engine, const ImageRecord& image) {
    oci::Descriptor descriptor;
    descriptor.media_type = image.manifest_type;
    descriptor.digest = image.manifest_digest;
    descriptor.size = static_cast<std::int64_t>(engine.images().raw_manifest(image).size());
    descriptor.platform = oci::Platform{image.config.architecture, image.config.os, image.config.variant};
    return {descriptor, {image.manifest_digest, image.id, ""}};
}

[[noreturn]] void none_fits(const std::string& image, const oci::Platform& platform) {
    throw Error("'{}' has no image for platform {}", printable(image), platform.str())
        .with_hint("name another one by --os, --arch and --variant, or take --all");
}

/// Entries of a list that is here keep their sources.
std::vector<ListEntry> entries_here(Engine& engine, const ImageRecord& image, const oci::Platform& platform, bool all) {
    if (!image.is_list()) return {entry_of(engine, image)};
    const storage::ManifestList list = storage::ManifestLists(engine.store()).read(image);
    std::vector<ListEntry> found;
    const oci::Descriptor* chosen = all ? nullptr : choose_entry(list.index, platform);
    if (!all && chosen == nullptr) none_fits(image.id, platform);
    for (const oci::Descriptor& entry : list.index.manifests) {
        if (!all && &entry != chosen) continue;
        const storage::ListSource* source = list.source_of(entry.digest);
        found.push_back({entry, source != nullptr ? *source : storage::ListSource{entry.digest, "", ""}});
    }
    return found;
}

std::vector<ListEntry> entries_there(Engine& engine, const Reference& name, const oci::Platform& platform, bool all,
                                     const RegistryOptions& options) {
    registry::Fetcher fetcher(storage::program_path("kist-fetch"), make_setup(engine.config(), name, options));
    const auto found = fetcher.describe(name.digest.empty() ? name.tag : name.digest.str());
    std::vector<ListEntry> entries;
    if (found.entries.empty() && !found.blobs.empty()) {
        const oci::Descriptor descriptor = descriptor_of(found);
        Reference source = name;
        source.digest = *Digest::parse(descriptor.digest);
        return {{descriptor, {descriptor.digest, "", source.str()}}};
    }
    oci::Index index;
    index.manifests = found.entries;
    const oci::Descriptor* chosen = all ? nullptr : choose_entry(index, platform);
    if (!all && chosen == nullptr) none_fits(name.familiar(), platform);
    for (const oci::Descriptor& entry : index.manifests)
        if (all || &entry == chosen)
            entries.push_back({entry, {entry.digest, "", by_digest(name, entry.digest).str()}});
    return entries;
}

} // namespace

Reference by_digest(Reference name, const std::string& digest) {
    name.tag.clear();
    name.digest = *Digest::parse(digest);
    return name;
}

oci::Descriptor descriptor_of(const registry::FoundManifest& found) {
    oci::Descriptor descriptor;
    descriptor.media_type = found.type;
    descriptor.digest = sha256(found.text).str();
    descriptor.size = std::ssize(found.text);
    if (!found.platform.architecture.empty()) descriptor.platform = found.platform;
    return descriptor;
}

const oci::Descriptor* choose_entry(const oci::Index& index, const oci::Platform& wanted) {
    const oci::Descriptor* fallback = nullptr;
    for (const oci::Descriptor& entry : index.manifests) {
        if (!entry.platform || entry.platform->os != wanted.os || entry.platform->architecture != wanted.architecture)
            continue;
        if (wanted.variant.empty() || entry.platform->variant == wanted.variant) return &entry;
        if (fallback == nullptr && entry.platform->variant.empty()) fallback = &entry;
    }
    return fallback;
}

std::vector<ListEntry> find_entries(Engine& engine, const std::string& image, const oci::Platform& platform, bool all,
                                    const RegistryOptions& options) {
    const bool only_there = image.starts_with(from_registry), only_here = image.starts_with(from_here);
    const std::string name = image.substr(only_there ? from_registry.size() : only_here ? from_here.size() : 0);
    if (!only_there) {
        if (const auto record = engine.images().find(name)) return entries_here(engine, *record, platform, all);
        if (only_here) throw NotFound("no such image: {}", printable(name));
    }
    try {
        return entries_there(engine, Reference::parse(name), platform, all, options);
    } catch (const UsageError&) {
        throw;
    } catch (Error& error) {
        error.while_doing("looking for '{}'", printable(name));
        throw;
    }
}

} // namespace kist::engine
