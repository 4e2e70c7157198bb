// SPDX-License-Identifier: Apache-2.0
// From an index to images. The same reader for an archive and a folder: only where the files are differs.
#include "unpack/oci_reader.hh"

#include "base/error.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "storage/layout_protocol.hh"
#include "unpack/archive_json.hh"
#include "unpack/limits.hh"

namespace kist::unpack {
namespace {

using storage::ArchiveImage;
using storage::ArchiveLayer;

constexpr std::size_t deepest_index = 3;

/// Foreign ("nondistributable") layers are not in the archive, encrypted ones are of no use: both have types of their own.
bool is_layer(std::string_view type) {
    using namespace oci::media_type;
    for (const std::string_view known : {oci_layer, oci_layer_gzip, oci_layer_zstd, docker_layer, docker_layer_gzip})
        if (type == known) return true;
    return false;
}

class OciReader {
public:
    OciReader(const Members& members, const OciChoice& choice)
        : members_(members), choice_(choice), host_(choice.host) {}

    std::vector<ArchiveImage> read() {
        if (choice_.plain) read_plain();
        else read_layout();
        if (images_.empty())
            throw Error("the {} has no image{} for {}/{}", choice_.plain ? "folder" : "archive",
                        choice_.name.empty() ? "" : " '" + printable(choice_.name) + "'", host_.os, host_.architecture);
        return std::move(images_);
    }

private:
    void read_layout() {
        const auto layout = json::parse(members_.read("oci-layout", 4096), "oci-layout");
        const Value* version = layout.find("imageLayoutVersion");
        if (version == nullptr || !version->is_string() || !version->as_string().starts_with("1."))
            throw Error("'oci-layout' names an unknown version");
        const std::string text = members_.read("index.json", limits::manifest_bytes);
        for (const oci::Descriptor& d : parse_json<oci::Index>(text, "index.json").manifests)
            if (choice_.name.empty() || is_called(d, choice_.name)) add(d, name_of(d));
    }

    /// manifest.json is the manifest itself; those that it names, if it is a list, lie beside it.
    void read_plain() {
        const std::string text = members_.read("manifest.json", limits::manifest_bytes);
        const Value document = json::parse(text, "manifest.json", json_limits);
        const Value* type = document.find("mediaType");
        oci::Descriptor descriptor;
        descriptor.media_type =
            type != nullptr && type->is_string() ? type->as_string() : std::string(oci::media_type::oci_manifest);
        descriptor.digest = sha256(text).str();
        add_text(descriptor, text, "");
    }

    static bool is_called(const oci::Descriptor& descriptor, const std::string& name) {
        for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"})
            if (const auto found = descriptor.annotations.find(key);
                found != descriptor.annotations.end() && found->second == name)
                return true;
        return false;
    }

    static std::string name_of(const oci::Descriptor& descriptor) {
        for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"})
            if (const auto found = descriptor.annotations.find(key); found != descriptor.annotations.end())
                // "latest" alone is a tag that somebody wrote without the name, and no name of an image.
                return found->second == "latest" ? "" : found->second;
        return "";
    }

    std::string blob_name(const oci::Descriptor& descriptor) const {
        const auto digest = Digest::parse(descriptor.digest);
        if (!digest) throw Error("'{}' is no digest that is known here", printable(descriptor.digest));
        return storage::layout_blob(choice_.plain, digest->hex());
    }

    std::string blob(const oci::Descriptor& descriptor, const char* suffix = "") const {
        const std::string name = blob_name(descriptor) + suffix;
        std::string text = members_.read(name, limits::manifest_bytes);
        if (static_cast<std::int64_t>(text.size()) != descriptor.size || sha256(text).str() != descriptor.digest)
            throw Error("'{}' in the archive is damaged: it has another size or digest", name);
        return text;
    }

    bool fits(const oci::Descriptor& descriptor) const {
        const auto& platform = descriptor.platform;
        if (!platform || platform->architecture.empty()) return true;
        if (platform->os != host_.os || platform->architecture != host_.architecture) return false;
        return platform->variant.empty() || host_.variant.empty() || platform->variant == host_.variant;
    }

    void add(const oci::Descriptor& descriptor, const std::string& name) {
        if (fits(descriptor)) add_text(descriptor, blob(descriptor, choice_.plain ? ".manifest.json" : ""), name);
    }

    void add_text(const oci::Descriptor& descriptor, const std::string& text, const std::string& name) {
        using namespace oci::media_type;
        if (descriptor.media_type == oci_index || descriptor.media_type == docker_list) {
            if (++depth_ > deepest_index) throw Error("indexes in the archive are nested too deeply");
            for (const oci::Descriptor& d : parse_json<oci::Index>(text, printable(descriptor.digest)).manifests)
                if (d.platform && fits(d)) { // what has no platform in a nested index is an attestation
                    add(d, name);
                    break;
                }
            --depth_;
        } else if (descriptor.media_type == oci_manifest || descriptor.media_type == docker_manifest) {
            add_image(descriptor, text, name);
        } else {
            throw Error("the archive holds a '{}', which is no image", printable(descriptor.media_type));
        }
    }

    void add_image(const oci::Descriptor& descriptor, const std::string& text, const std::string& name) {
        // Two names of one image are two entries of the index.
        for (ArchiveImage& known : images_) {
            if (known.manifest_text != text) continue;
            if (!name.empty()) known.names.push_back(name);
            return;
        }
        if (images_.size() >= limits::archive_images)
            throw Error("the archive has more than {} images", limits::archive_images);
        const auto manifest = parse_json<oci::Manifest>(text, printable(descriptor.digest));
        if (!manifest.config) throw Error("manifest '{}' has no configuration", descriptor.digest);
        if (manifest.config->media_type != oci::media_type::oci_config &&
            manifest.config->media_type != oci::media_type::docker_config)
            throw Error("manifest '{}' is of a '{}', which is no image", descriptor.digest,
                        printable(manifest.config->media_type));
        ArchiveImage image;
        if (!name.empty()) image.names.push_back(name);
        image.manifest_text = text;
        image.manifest_type = descriptor.media_type;
        image.config_text = blob(*manifest.config);
        image.config = parse_json<oci::ImageConfig>(image.config_text, printable(manifest.config->digest));
        std::vector<ArchiveLayer> layers;
        for (const oci::Descriptor& d : manifest.layers) {
            if (!is_layer(d.media_type))
                throw Error("layer '{}' is of the type '{}', which is not supported", printable(d.digest),
                            printable(d.media_type));
            const Member member = members_.find(blob_name(d));
            layers.push_back({member.offset, member.size, d.digest, ""});
            if (layers.back().size != d.size) throw Error("layer '{}' in the archive has another size", d.digest);
        }
        add_layers(image, std::move(layers));
        images_.push_back(std::move(image));
    }

    const Members& members_;
    const OciChoice& choice_;
    const oci::Platform& host_;
    std::vector<ArchiveImage> images_;
    std::size_t depth_ = 0;
};

} // namespace

void add_layers(ArchiveImage& image, std::vector<ArchiveLayer> layers) {
    const auto& diff_ids = image.config.rootfs.diff_ids;
    if (layers.size() > limits::layers) throw Error("an image has more than {} layers", limits::layers);
    if (layers.size() != diff_ids.size())
        throw Error("an image has {} layers but its configuration names {}", layers.size(), diff_ids.size());
    for (std::size_t i = 0; i < layers.size(); ++i) layers[i].diff_id = diff_ids[i];
    image.layers = std::move(layers);
}

std::vector<ArchiveImage> read_oci(const Members& members, const OciChoice& choice) {
    return OciReader(members, choice).read();
}

} // namespace kist::unpack
