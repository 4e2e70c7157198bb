// SPDX-License-Identifier: Apache-2.0
// mode index: what images an archive holds. Everything it says is checked against digests where there are any; what it says
// about layers is checked when they are unpacked.
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "unpack/archive_members.hh"
#include "unpack/byte_source.hh"
#include "unpack/confine.hh"
#include "unpack/limits.hh"
#include "unpack/modes.hh"

namespace kist::unpack {
namespace {

using storage::ArchiveImage;
using storage::ArchiveLayer;

constexpr std::size_t deepest_index = 3;
const json::Limits json_limits{.bytes = limits::manifest_bytes, .depth = 64, .values = 500'000};

template <typename T>
T parse_json(const std::string& text, const std::string& where) {
    return from_value<T>(json::parse(text, where, json_limits), where);
}

ArchiveLayer layer_at(const ArchiveMembers& members, const std::string& name) {
    const Member& member = members.find(name);
    ArchiveLayer layer;
    layer.offset = member.offset;
    layer.size = member.size;
    return layer;
}

/// A file whose name promises a digest must keep the promise: "<hex>.json", "blobs/sha256/<hex>".
void check_name(const std::string& name, const std::string& bytes) {
    std::string hex = name.substr(name.rfind('/') + 1);
    hex = hex.substr(0, hex.find('.'));
    const auto promised = Digest::from_hex(hex);
    if (promised && sha256(bytes) != *promised)
        throw Error("'{}' in the archive is damaged: it has another digest", printable(name));
}

void add_layers(ArchiveImage& image, std::vector<ArchiveLayer> layers) {
    const auto& diff_ids = image.config.rootfs.diff_ids;
    if (layers.size() > limits::layers) throw Error("an image has more than {} layers", limits::layers);
    if (layers.size() != diff_ids.size())
        throw Error("an image has {} layers but its configuration names {}", layers.size(), diff_ids.size());
    for (std::size_t i = 0; i < layers.size(); ++i) layers[i].diff_id = diff_ids[i];
    image.layers = std::move(layers);
}

std::vector<ArchiveImage> read_docker(const ArchiveMembers& members) {
    const auto entries = parse_json<std::vector<oci::DockerArchiveEntry>>(
        members.read("manifest.json", limits::manifest_bytes), "manifest.json");
    if (entries.empty()) throw Error("the archive has no image: 'manifest.json' is an empty list");
    if (entries.size() > limits::archive_images)
        throw Error("the archive has more than {} images", limits::archive_images);
    std::vector<ArchiveImage> images;
    for (const oci::DockerArchiveEntry& entry : entries) {
        ArchiveImage image;
        image.names = entry.repo_tags;
        image.config_text = members.read(entry.config, limits::manifest_bytes);
        check_name(entry.config, image.config_text);
        image.config = parse_json<oci::ImageConfig>(image.config_text, printable(entry.config));
        std::vector<ArchiveLayer> layers;
        for (const std::string& name : entry.layers) layers.push_back(layer_at(members, name));
        add_layers(image, std::move(layers));
        images.push_back(std::move(image));
    }
    return images;
}

/// Foreign ("nondistributable") layers are not in the archive, encrypted ones are of no use: both have types of their own.
bool is_layer(std::string_view type) {
    using namespace oci::media_type;
    for (const std::string_view known : {oci_layer, oci_layer_gzip, oci_layer_zstd, docker_layer, docker_layer_gzip})
        if (type == known) return true;
    return false;
}

class OciReader {
public:
    OciReader(const ArchiveMembers& members, const storage::IndexRequest& host) : members_(members), host_(host) {}

    std::vector<ArchiveImage> read() {
        const auto layout = json::parse(members_.read("oci-layout", 4096), "oci-layout");
        const Value* version = layout.find("imageLayoutVersion");
        if (version == nullptr || !version->is_string() || !version->as_string().starts_with("1."))
            throw Error("'oci-layout' names an unknown version");
        const std::string text = members_.read("index.json", limits::manifest_bytes);
        for (const oci::Descriptor& d : parse_json<oci::Index>(text, "index.json").manifests) add(d, name_of(d));
        if (images_.empty()) throw Error("the archive has no image for {}/{}", host_.os, host_.architecture);
        return std::move(images_);
    }

private:
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
        return "blobs/sha256/" + digest->hex();
    }

    std::string blob(const oci::Descriptor& descriptor) const {
        const std::string name = blob_name(descriptor);
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
        using namespace oci::media_type;
        if (!fits(descriptor)) return;
        const std::string text = blob(descriptor);
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
            layers.push_back(layer_at(members_, blob_name(d)));
            if (layers.back().size != d.size) throw Error("layer '{}' in the archive has another size", d.digest);
            layers.back().blob_digest = d.digest;
        }
        add_layers(image, std::move(layers));
        images_.push_back(std::move(image));
    }

    const ArchiveMembers& members_;
    const storage::IndexRequest& host_;
    std::vector<ArchiveImage> images_;
    std::size_t depth_ = 0;
};

void spool(RawSource& raw, const Fd& to, std::uint64_t room) {
    const auto decoder = make_decoder(raw, detect_compression(raw));
    ByteSource& source = decoder ? *decoder : raw;
    std::vector<char> buffer(256u << 10);
    std::uint64_t total = 0;
    while (const std::size_t got = source.read(buffer)) {
        total += got;
        if (total > room) throw Error("the archive is larger than the {} bytes there is room for", room);
        write_full(to, {buffer.data(), got}, "the temporary file");
    }
    if (total == 0) throw Error("it is empty");
}

std::vector<ArchiveImage> read_images(const Fd& data, const storage::IndexRequest& request) {
    const ArchiveMembers members(data);
    if (members.contains("manifest.json")) return read_docker(members);
    if (members.contains("index.json") && members.contains("oci-layout")) return OciReader(members, request).read();
    if (members.contains("repositories"))
        throw Error("it is a docker-archive of Docker before 1.10, which is not supported");
    throw Error("it is neither a docker-archive nor an oci-archive (a root filesystem as a tar is for 'kist import')");
}

} // namespace

storage::IndexReply index_archive(const storage::IndexRequest& request) {
    const Fd archive{STDIN_FILENO};
    const Fd spool_file{storage::unpack_spool_fd};
    const Dir folder(Fd{storage::unpack_folder_fd}, "work folder");
    const std::uint64_t room = room_on_disk(folder.fd(), request.byte_limit);
    confine(folder.fd(), Writes::no);

    storage::IndexReply reply;
    struct stat st;
    if (::fstat(archive.get(), &st) != 0) throw SysError("reading the archive");
    if (S_ISREG(st.st_mode)) {
        RawSource probe(archive, 0, st.st_size);
        reply.spooled = detect_compression(probe) != Compression::none;
    } else {
        reply.spooled = true;
    }
    if (reply.spooled) {
        RawSource raw(archive, 0, S_ISREG(st.st_mode) ? st.st_size : -1);
        spool(raw, spool_file, room);
    }
    reply.images = read_images(reply.spooled ? spool_file : archive, request);
    return reply;
}

} // namespace kist::unpack
