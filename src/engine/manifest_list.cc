// SPDX-License-Identifier: Apache-2.0
// manifest create, add, annotate and remove.
#include "engine/manifest_list.hh"

#include <algorithm>

#include "base/error.hh"
#include "base/text.hh"
#include "engine/manifest_entry.hh"
#include "engine/mount_text.hh"
#include "storage/manifest_list.hh"

namespace kist::engine {
namespace {

using storage::ImageRecord;
using storage::ManifestList;
using storage::Reference;

std::map<std::string, std::string> parse_annotations(const std::vector<std::string>& texts) {
    std::map<std::string, std::string> found;
    for (const std::string& text : texts) {
        const auto [key, value] = split_once(text, '=');
        if (key.empty() || !value) throw UsageError("invalid annotation '{}': it is KEY=VALUE", printable(text));
        found[key] = *value;
    }
    return found;
}

/// What the user says of an image's platform, over what it says itself.
void describe(oci::Descriptor& entry, const EntryOptions& options) {
    for (const auto& [key, value] : parse_annotations(options.annotations)) entry.annotations[key] = value;
    oci::Platform platform = entry.platform.value_or(oci::Platform{});
    const oci::Platform spelled = wanted_platform({"", options.os, options.arch, options.variant});
    if (!options.arch.empty()) platform.architecture = spelled.architecture;
    if (!options.os.empty()) platform.os = spelled.os;
    if (!options.variant.empty()) platform.variant = options.variant;
    if (!options.os_version.empty()) platform.os_version = options.os_version;
    if (!options.os_features.empty()) platform.os_features = options.os_features;
    if (!options.features.empty()) platform.features = options.features;
    if (platform != oci::Platform{}) entry.platform = platform;
}

bool names_source(Engine& engine, const storage::ListSource& source, const std::string& text) {
    for (const std::string& file : source.files)
        if (file == absolute_source(text)) return true;
    if (!source.image.empty()) {
        const auto image = engine.images().find(text);
        return image && image->id == source.image;
    }
    const auto wanted = Reference::try_parse(text), name = Reference::try_parse(source.name);
    if (!wanted || !name || wanted->domain != name->domain || wanted->path != name->path) return false;
    return wanted->digest.empty() ? wanted->tag == name->tag : wanted->digest == name->digest;
}

/// The digest of the entry that the user means.
std::string find_digest(Engine& engine, const ManifestList& list, const std::string& text) {
    std::vector<std::string> found;
    for (const oci::Descriptor& entry : list.index.manifests) {
        if (entry.digest == text) return text;
        const storage::ListSource* source = list.source_of(entry.digest);
        if (source != nullptr && !Digest::parse(text) && names_source(engine, *source, text))
            found.push_back(entry.digest);
    }
    if (found.size() > 1)
        throw Error("'{}' names {} entries of the list", printable(text), found.size())
            .with_hint("name one of them by its digest: " + quoted_choice(found));
    if (found.empty()) throw NotFound("the list has no entry '{}'", printable(text));
    return found.front();
}

void check_list(const ImageRecord& record, const std::string& name) {
    if (!record.is_list()) throw Error("'{}' is an image, not a manifest list", printable(name));
}

std::vector<ListEntry> find_all(Engine& engine, const std::vector<std::string>& images, const oci::Platform& platform,
                                bool all, const RegistryOptions& options) {
    std::vector<ListEntry> found;
    for (const std::string& image : images)
        for (ListEntry& entry : find_entries(engine, image, platform, all, options)) found.push_back(std::move(entry));
    return found;
}

struct ChosenEntry {
    std::string digest;
    storage::ListSource source;
};

ChosenEntry choose(Engine& engine, const ImageRecord& record, const oci::Platform& platform) {
    const ManifestList list = storage::ManifestLists(engine.store()).read(record);
    const oci::Descriptor* entry = choose_entry(list.index, platform);
    if (entry == nullptr) throw NotFound("the manifest list has no image for platform {}", platform.str());
    const storage::ListSource* source = list.source_of(entry->digest);
    if (source != nullptr && !source->content.empty())
        throw Error("the manifest list has an artifact for platform {}, not an image", platform.str());
    return {entry->digest, source != nullptr ? *source : storage::ListSource{}};
}

std::optional<ImageRecord> find_here(Engine& engine, const ChosenEntry& entry) {
    for (ImageRecord& image : engine.images().all())
        if (!image.is_list() && (image.manifest_digest == entry.digest || image.id == entry.source.image))
            return std::move(image);
    return std::nullopt;
}

} // namespace

ImageRecord get_manifest_list(Engine& engine, const std::string& name) {
    auto record = engine.images().find(name);
    if (!record) throw NotFound("no such manifest list: {}", printable(name));
    check_list(*record, name);
    return std::move(*record);
}

bool is_manifest_list(Engine& engine, const std::string& name) {
    const auto record = engine.images().find(name);
    return record && record->is_list();
}

std::string create_manifest_list(Engine& engine, const std::string& name, const std::vector<std::string>& images,
                                 const ManifestCreateOptions& options) {
    const Reference reference = Reference::parse(name);
    if (!reference.digest.empty()) throw UsageError("a manifest list has a name and a tag, no digest");
    const auto annotations = parse_annotations(options.annotations);
    const auto old = engine.images().find(reference.str());
    if (old) check_list(*old, name);
    if (old && !options.amend)
        throw Error("the name '{}' is already in use", reference.familiar()).with_hint("--amend adds to that list");
    const auto entries = find_all(engine, images, wanted_platform({}), options.all, options);
    const auto fill = [&](ManifestList& list) {
        for (const ListEntry& entry : entries) list.add(entry.descriptor, entry.source);
        for (const auto& [key, value] : annotations) list.index.annotations[key] = value;
    };
    const storage::ManifestLists lists(engine.store());
    if (old) {
        lists.change(*Digest::parse(old->id), fill);
        return old->id;
    }
    ManifestList list;
    list.index.schema_version = 2;
    list.index.media_type = oci::media_type::oci_index;
    fill(list);
    return lists.create(reference, list).str();
}

namespace {

void check_artifact_options(const ManifestAddOptions& options) {
    if (options.artifact && options.all) throw UsageError("--all is for images, --artifact for files");
    if (options.artifact) return;
    for (const auto& [name, given] : {std::pair{"--artifact-type", !options.artifact_type.empty()},
                                      {"--artifact-config", !options.artifact_config.empty()},
                                      {"--artifact-config-type", !options.artifact_config_type.empty()},
                                      {"--artifact-layer-type", !options.artifact_layer_type.empty()},
                                      {"--artifact-exclude-titles", options.artifact_exclude_titles},
                                      {"--artifact-subject", !options.artifact_subject.empty()}})
        if (given) throw UsageError("{} needs --artifact", name);
}

/// What belongs to an image says so by its descriptor, which is the same whatever list the image came from.
oci::Descriptor find_subject(Engine& engine, const std::string& image, const RegistryOptions& options) {
    oci::Descriptor subject = find_entries(engine, image, wanted_platform({}), false, options).front().descriptor;
    subject.platform.reset();
    subject.annotations.clear();
    return subject;
}

void add_artifact(Engine& engine, const ImageRecord& record, const std::vector<std::string>& files,
                  const ManifestAddOptions& options) {
    std::optional<oci::Descriptor> subject;
    if (!options.artifact_subject.empty()) subject = find_subject(engine, options.artifact_subject, options);
    Artifact made = make_artifact(engine.store(), files, options, parse_annotations(options.annotations), subject);
    describe(made.descriptor, options);
    storage::ManifestLists(engine.store())
        .change(
            *Digest::parse(record.id), [&](ManifestList& list) { list.add(made.descriptor, made.source); },
            made.content);
}

} // namespace

std::string add_to_manifest_list(Engine& engine, const std::string& name, const std::vector<std::string>& images,
                                 const ManifestAddOptions& options) {
    check_artifact_options(options);
    const ImageRecord record = get_manifest_list(engine, name);
    if (options.artifact) {
        add_artifact(engine, record, images, options);
        return record.id;
    }
    const oci::Platform platform = wanted_platform({"", options.os, options.arch, options.variant});
    auto entries = find_all(engine, images, platform, options.all, options);
    for (ListEntry& entry : entries) describe(entry.descriptor, options);
    storage::ManifestLists(engine.store()).change(*Digest::parse(record.id), [&](ManifestList& list) {
        for (const ListEntry& entry : entries) list.add(entry.descriptor, entry.source);
    });
    return record.id;
}

std::string annotate_manifest_list(Engine& engine, const std::string& name, const std::string& entry,
                                   const ManifestAnnotateOptions& options) {
    if (entry.empty() && !options.index && options.subject.empty())
        throw UsageError("which image of the list? Without one only --index and --subject have a meaning");
    const ImageRecord record = get_manifest_list(engine, name);
    std::optional<oci::Descriptor> subject;
    if (!options.subject.empty()) subject = find_subject(engine, options.subject, options);
    storage::ManifestLists(engine.store()).change(*Digest::parse(record.id), [&](ManifestList& list) {
        if (subject) list.index.subject = subject;
        EntryOptions own = options;
        if (options.index) {
            for (const auto& [key, value] : parse_annotations(options.annotations)) list.index.annotations[key] = value;
            own.annotations.clear();
        }
        if (entry.empty()) return;
        const std::string digest = find_digest(engine, list, entry);
        for (oci::Descriptor& descriptor : list.index.manifests)
            if (descriptor.digest == digest) describe(descriptor, own);
    });
    return record.id;
}

std::string remove_from_manifest_list(Engine& engine, const std::string& name, const std::string& entry) {
    const ImageRecord record = get_manifest_list(engine, name);
    storage::ManifestLists(engine.store()).change(*Digest::parse(record.id), [&](ManifestList& list) {
        list.remove(find_digest(engine, list, entry));
    });
    return record.id;
}

std::string manifest_list_text(Engine& engine, const ImageRecord& record) {
    return engine.images().raw_manifest(record);
}

ImageRecord image_of_list(Engine& engine, const ImageRecord& record, const PullOptions& options, PullPolicy policy) {
    const ChosenEntry entry = choose(engine, record, wanted_platform(options));
    if (auto image = find_here(engine, entry)) return std::move(*image);
    if (entry.source.name.empty()) throw NotFound("the image {} of the manifest list is gone", entry.digest);
    if (policy == PullPolicy::never)
        throw Error("the image {} of the manifest list is not here", entry.digest)
            .with_hint("without '--pull never' it would be fetched from its registry");
    const Digest id = pull_image(engine, by_digest(Reference::parse(entry.source.name), entry.digest), options);
    return engine.images().get(id.str());
}

ImageRecord local_image(Engine& engine, const std::string& name, const std::string& platform) {
    ImageRecord record = engine.images().get(name);
    if (platform.empty()) return record;
    const oci::Platform wanted = wanted_platform({platform, "", "", ""});
    if (!record.is_list()) {
        if (fits_platform(record.config, wanted)) return record;
        throw NotFound("image '{}' is here for platform {}, not {}", name, printable(platform_of(record.config).str()),
                       wanted.str())
            .with_hint("'kist pull --platform' fetches it for another one");
    }
    const ChosenEntry entry = choose(engine, record, wanted);
    if (auto image = find_here(engine, entry)) return std::move(*image);
    throw NotFound("the image {} of manifest list '{}' is not here", entry.digest, name)
        .with_hint("'kist pull' of its name and digest fetches it");
}

} // namespace kist::engine
