// SPDX-License-Identifier: Apache-2.0
// The files are copied into the store: what is pushed later is what was added, whatever becomes of the files.
#include "engine/artifact.hh"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "engine/mount_text.hh"
#include "registry/base64.hh"

namespace kist::engine {
namespace {

using storage::NewContent;
constexpr std::string_view unknown_artifact = "application/vnd.unknown.artifact.v1"; ///< what ORAS and Podman call it
constexpr std::string_view title = "org.opencontainers.image.title";
constexpr std::string_view empty_json = "{}";
constexpr std::size_t most_files = 512; ///< as many layers as an image may have

bool is_media_type(const std::string& text) {
    const auto [type, subtype] = split_once(text, '/');
    const auto is_word = [](const std::string& word) {
        return !word.empty() && word.size() < 128 && std::all_of(word.begin(), word.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
        });
    };
    return subtype && is_word(type) && is_word(*subtype);
}

void check_types(const ArtifactOptions& options) {
    for (const auto& [name, text] : {std::pair{"--artifact-type", &options.artifact_type},
                                     {"--artifact-config-type", &options.artifact_config_type},
                                     {"--artifact-layer-type", &options.artifact_layer_type}})
        if (!text->empty() && !is_media_type(*text))
            throw UsageError("invalid value '{}' for {}: it is a media type, as application/json", printable(*text),
                             name);
}

Fd open_file(const std::string& path) {
    Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    struct stat st;
    if (!file || ::fstat(file.get(), &st) != 0) throw SysError("opening '{}'", printable(path));
    if (!S_ISREG(st.st_mode)) throw Error("'{}' is no regular file: an artifact consists of such", printable(path));
    return file;
}

oci::Descriptor describe(const NewContent& blob, std::string_view media_type) {
    oci::Descriptor descriptor;
    descriptor.media_type = media_type;
    descriptor.digest = blob.digest().str();
    descriptor.size = blob.size();
    return descriptor;
}

class ArtifactMaker {
public:
    ArtifactMaker(const storage::Store& store, const ArtifactOptions& options) : store_(store), options_(options) {
        manifest_.schema_version = 2;
        manifest_.media_type = oci::media_type::oci_manifest;
        manifest_.artifact_type = options.artifact_type.empty() ? unknown_artifact : options.artifact_type;
    }

    Artifact make(const std::vector<std::string>& files, const std::map<std::string, std::string>& annotations,
                  const std::optional<oci::Descriptor>& subject) {
        add_config();
        for (const std::string& path : files) add_file(path);
        manifest_.annotations = annotations;
        manifest_.subject = subject;
        const NewContent& text = add(NewContent(store_, json::dump(to_value(manifest_))));
        made_.descriptor = describe(text, manifest_.media_type);
        made_.descriptor.artifact_type = manifest_.artifact_type;
        made_.descriptor.annotations = annotations;
        made_.source.digest = made_.descriptor.digest;
        return std::move(made_);
    }

private:
    const NewContent& add(NewContent blob) {
        made_.source.content.push_back(blob.digest().str());
        return made_.content.emplace_back(std::move(blob));
    }

    void add_config() {
        using namespace oci::media_type;
        const std::string& path = options_.artifact_config;
        const std::string_view usual = path.empty() ? oci_empty : oci_config;
        const NewContent& blob =
            add(path.empty() ? NewContent(store_, empty_json) : NewContent(store_, open_file(path), path));
        manifest_.config =
            describe(blob, options_.artifact_config_type.empty() ? usual : options_.artifact_config_type);
        if (path.empty()) manifest_.config->data = registry::base64_encode(empty_json);
    }

    void add_file(const std::string& path) {
        const std::string place = absolute_source(path);
        const std::string name = place.substr(place.rfind('/') + 1);
        const NewContent& blob = add(NewContent(store_, open_file(path), path));
        const std::string& wanted = options_.artifact_layer_type;
        oci::Descriptor layer = describe(blob, wanted.empty() ? media_type_of(name, blob.beginning()) : wanted);
        if (!options_.artifact_exclude_titles) layer.annotations[std::string(title)] = name;
        manifest_.layers.push_back(std::move(layer));
        made_.source.files.push_back(place);
    }

    const storage::Store& store_;
    const ArtifactOptions& options_;
    oci::Manifest manifest_;
    Artifact made_;
};

bool is_text(const std::string& bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 ? byte != 0x7f : c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\x1b';
    });
}

} // namespace

std::string media_type_of(const std::string& name, const std::string& beginning) {
    using Known = std::pair<std::string_view, std::string_view>;
    static constexpr auto endings = std::to_array<Known>({
        {".css", "text/css"},          {".csv", "text/csv"},          {".gif", "image/gif"},
        {".gz", "application/gzip"},   {".htm", "text/html"},         {".html", "text/html"},
        {".jpeg", "image/jpeg"},       {".jpg", "image/jpeg"},        {".js", "text/javascript"},
        {".json", "application/json"}, {".md", "text/markdown"},      {".pdf", "application/pdf"},
        {".png", "image/png"},         {".svg", "image/svg+xml"},     {".tar", "application/x-tar"},
        {".txt", "text/plain"},        {".wasm", "application/wasm"}, {".webp", "image/webp"},
        {".xml", "text/xml"},          {".yaml", "application/yaml"}, {".yml", "application/yaml"},
        {".zip", "application/zip"},   {".zst", "application/zstd"},
    });
    static constexpr auto beginnings = std::to_array<Known>({
        {"\x1f\x8b\x08", "application/gzip"},
        {"\x28\xb5\x2f\xfd", "application/zstd"},
        {"PK\x03\x04", "application/zip"},
        {"%PDF-", "application/pdf"},
        {"\x89PNG\r\n", "image/png"},
        {"\xff\xd8\xff", "image/jpeg"},
        {"<?xml", "text/xml"},
    });
    const std::string lower = to_lower(name);
    for (const auto& [ending, type] : endings)
        if (lower.ends_with(ending)) return std::string(type);
    for (const auto& [first, type] : beginnings)
        if (beginning.starts_with(first)) return std::string(type);
    return is_text(beginning) ? "text/plain" : "application/octet-stream";
}

Artifact make_artifact(const storage::Store& store, const std::vector<std::string>& files,
                       const ArtifactOptions& options, const std::map<std::string, std::string>& annotations,
                       const std::optional<oci::Descriptor>& subject) {
    check_types(options);
    if (files.size() > most_files) throw UsageError("an artifact has at most {} files", most_files);
    return ArtifactMaker(store, options).make(files, annotations, subject);
}

} // namespace kist::engine
