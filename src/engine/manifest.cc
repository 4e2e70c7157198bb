// SPDX-License-Identifier: Apache-2.0
// Manifests as they are, for people and scripts.
#include "engine/manifest.hh"

#include "base/error.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "engine/manifest_entry.hh"
#include "registry/base64.hh"
#include "registry/fetcher.hh"
#include "storage/manifest_list.hh"
#include "storage/programs.hh"

namespace kist::engine {

std::string fetch_manifest(Engine& engine, const storage::Reference& name, const RegistryOptions& options) {
    try {
        registry::Fetcher fetcher(storage::program_path("kist-fetch"), make_setup(engine.config(), name, options));
        registry::Ask ask;
        ask.kind = "manifest";
        ask.reference = name.digest.empty() ? name.tag : name.digest.str();
        std::string text = fetcher.bytes(ask, static_cast<std::size_t>(registry::manifest_limit));
        if (!name.digest.empty() && sha256(text) != name.digest)
            throw Error("the registry's manifest has the digest {}", sha256(text).str());
        return text;
    } catch (Error& error) {
        error.while_doing("reading the manifest of '{}'", name.familiar());
        throw;
    }
}

namespace {

using storage::ImageRecord;
using storage::Reference;

Value document(const std::string& name, const oci::Descriptor& descriptor, const std::string& text) {
    const bool docker = descriptor.media_type == oci::media_type::docker_manifest;
    Value described = Value::object();
    described.set("Ref", name);
    described.set("Descriptor", to_value(descriptor));
    described.set("Raw", registry::base64_encode(text));
    described.set(docker ? "SchemaV2Manifest" : "OCIManifest", json::parse(text, "manifest of '" + name + "'"));
    return described;
}

std::string text_of(registry::Fetcher& fetcher, const std::string& digest) {
    registry::Ask ask;
    ask.kind = "manifest";
    ask.reference = digest;
    std::string text = fetcher.bytes(ask, static_cast<std::size_t>(registry::manifest_limit));
    if (sha256(text).str() != digest) throw Error("the registry's manifest has the digest {}", sha256(text).str());
    return text;
}

/// An entry of a list that is here: its image or artifact is here too, or in a registry.
Value describe_entry(Engine& engine, const Reference& list, const oci::Descriptor& entry,
                     const storage::ListSource& source, const RegistryOptions& options) {
    Reference name = by_digest(list, entry.digest);
    if (!source.content.empty())
        return document(name.familiar(), entry, storage::ManifestLists(engine.store()).artifact_text(source));
    if (source.image.empty()) {
        name = Reference::parse(source.name);
        return document(name.familiar(), entry, fetch_manifest(engine, by_digest(name, entry.digest), options));
    }
    const ImageRecord image = engine.images().get(source.image);
    const auto names = engine.images().names_of(*Digest::parse(image.id));
    return document(names.empty() ? name.familiar() : names.front().familiar(), entry,
                    engine.images().raw_manifest(image));
}

Value describe_here(Engine& engine, const ImageRecord& record, const std::string& name,
                    const RegistryOptions& options) {
    const storage::ManifestList list = storage::ManifestLists(engine.store()).read(record);
    const auto names = engine.images().names_of(*Digest::parse(record.id));
    const Reference called = names.empty() ? Reference::parse(name) : names.front();
    Value all = Value::list();
    for (const oci::Descriptor& entry : list.index.manifests) {
        const storage::ListSource* source = list.source_of(entry.digest);
        if (source == nullptr) throw Error("nobody knows where the image {} is", entry.digest);
        all.push(describe_entry(engine, called, entry, *source, options));
    }
    return all;
}

Value describe_there(Engine& engine, const Reference& name, const RegistryOptions& options) {
    registry::Fetcher fetcher(storage::program_path("kist-fetch"), make_setup(engine.config(), name, options));
    const auto found = fetcher.describe(name.digest.empty() ? name.tag : name.digest.str());
    if (!found.blobs.empty()) return document(name.familiar(), descriptor_of(found), found.text);
    Value all = Value::list();
    for (const oci::Descriptor& entry : found.entries)
        all.push(document(name.familiar() + "@" + entry.digest, entry, text_of(fetcher, entry.digest)));
    return all;
}

} // namespace

Value describe_manifest(Engine& engine, const std::string& name, const RegistryOptions& options) {
    try {
        if (const auto record = engine.images().find(name); record && record->is_list())
            return describe_here(engine, *record, name, options);
        return describe_there(engine, Reference::parse(name), options);
    } catch (const UsageError&) {
        throw;
    } catch (Error& error) {
        error.while_doing("describing '{}'", printable(name));
        throw;
    }
}

} // namespace kist::engine
