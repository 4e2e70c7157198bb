// SPDX-License-Identifier: Apache-2.0
// https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pushing-manifests-with-subject
#include "engine/store_manifest.hh"

#include "base/error.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "registry/fetcher.hh"

namespace kist::engine {
namespace {

constexpr json::Limits index_json{.bytes = registry::manifest_limit, .depth = 64, .values = 200'000};

/// Of an image, a list or an artifact: what matters here is called alike in all of them.
struct Referrer {
    std::string artifact_type;
    std::optional<oci::Descriptor> config, subject;
    std::map<std::string, std::string> annotations;
    static constexpr void fields(auto&& field) {
        field("artifactType", &Referrer::artifact_type);
        field("config", &Referrer::config);
        field("subject", &Referrer::subject);
        field("annotations", &Referrer::annotations);
    }
};

oci::Descriptor describe(const Referrer& referrer, const ManifestText& text) {
    oci::Descriptor descriptor;
    descriptor.media_type = text.type;
    descriptor.digest = sha256(text.bytes).str();
    descriptor.size = std::ssize(text.bytes);
    descriptor.annotations = referrer.annotations;
    descriptor.artifact_type = referrer.artifact_type;
    if (descriptor.artifact_type.empty() && referrer.config) descriptor.artifact_type = referrer.config->media_type;
    return descriptor;
}

std::string stored_index(registry::Fetcher& fetcher, const std::string& tag) {
    registry::Ask ask;
    ask.kind = "manifest";
    ask.reference = tag;
    try {
        return fetcher.bytes(ask, static_cast<std::size_t>(registry::manifest_limit));
    } catch (const registry::Refusal& refusal) {
        if (refusal.missing) return "";
        throw;
    }
}

registry::Answer put(registry::Fetcher& fetcher, const std::string& reference, const ManifestText& text) {
    const Digest digest = sha256(text.bytes);
    registry::Ask ask;
    ask.kind = "store";
    ask.reference = reference.empty() ? digest.str() : reference;
    ask.media_type = text.type;
    registry::Answer answer = fetcher.send(ask, text.bytes);
    if (!answer.digest.empty() && answer.digest != digest.str())
        throw Error("the registry says it stored the manifest {}, not {}", printable(answer.digest), digest.str());
    return answer;
}

void make_known(registry::Fetcher& fetcher, const Digest& subject, const oci::Descriptor& referrer) {
    const std::string tag = "sha256-" + subject.hex();
    try {
        const std::string index = add_referrer(stored_index(fetcher, tag), referrer);
        if (!index.empty()) put(fetcher, tag, {std::string(oci::media_type::oci_index), index});
    } catch (Error& error) {
        error.while_doing("adding it to the list '{}' of what belongs to {}", tag, subject.str());
        throw;
    }
}

} // namespace

std::string add_referrer(const std::string& index, const oci::Descriptor& referrer) {
    Value document = Value::object();
    if (index.empty()) {
        document.set("schemaVersion", 2);
        document.set("mediaType", oci::media_type::oci_index);
        document.set("manifests", Value::list());
    } else {
        document = json::parse(index, "list of referrers", index_json);
        const auto known = from_value<oci::Index>(document, "list of referrers");
        if (known.media_type != oci::media_type::oci_index) throw Error("what has that tag is no index");
        for (const oci::Descriptor& entry : known.manifests)
            if (entry.digest == referrer.digest) return "";
        if (document.find("manifests") == nullptr || document.find("manifests")->is_null())
            document.set("manifests", Value::list());
    }
    document.find("manifests")->push(to_value(referrer));
    return json::dump(document);
}

Digest store_manifest(registry::Fetcher& fetcher, const std::string& reference, const ManifestText& text) {
    const registry::Answer answer = put(fetcher, reference, text);
    const auto referrer = from_value<Referrer>(json::parse(text.bytes, "manifest", index_json), "manifest");
    const auto subject = referrer.subject ? Digest::parse(referrer.subject->digest) : std::nullopt;
    if (subject && answer.subject != subject->str()) make_known(fetcher, *subject, describe(referrer, text));
    return sha256(text.bytes);
}

} // namespace kist::engine
