// SPDX-License-Identifier: Apache-2.0
// Images, their names and their layers on disk. DESIGN sections 4, 7 and 9.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hh"
#include "base/lock.hh"
#include "oci/spec/image_spec.hh"
#include "oci/spec/root_mount.hh"
#include "storage/store.hh"
#include "storage/unpack_protocol.hh"

namespace kist::storage {

/// A normalised name: "docker.io/library/busybox:latest", or with "@sha256:…" instead of (or after) the tag.
struct Reference {
    std::string domain, path, tag;
    Digest digest;
    /// Docker's normalisation and grammar (src/storage/reference.cc). Throws UsageError "invalid reference format: …".
    static Reference parse(std::string_view text);
    static std::optional<Reference> try_parse(std::string_view text);
    std::string str() const;           ///< full
    std::string familiar() const;      ///< "busybox:latest": what images and ps print
    std::string familiar_name() const; ///< "busybox", "quay.io/x/y": without tag and digest
    bool operator==(const Reference&) const = default;
};

/// Where the manifest that a list made here names can be had.
struct ListSource {
    std::string digest; ///< of the manifest
    std::string image;  ///< the id of an image that is here; or
    std::string
        name; ///< a full reference, "docker.io/library/busybox:latest"; or neither: an artifact that was made here
    std::vector<std::string> content = {}; ///< of an artifact: digests of its manifest, configuration and files
    std::vector<std::string> files = {};   ///< of an artifact: where its files were, for people
    bool operator==(const ListSource&) const = default;
    static constexpr void fields(auto&& field) {
        field("digest", &ListSource::digest, required);
        field("image", &ListSource::image);
        field("name", &ListSource::name);
        field("content", &ListSource::content);
        field("files", &ListSource::files);
    }
};

/// images/<hex>.json. The id is the digest of the config, as Docker's; the record is written by our own writer only.
/// A manifest list that is being put together here (manifest_list.hh) is a record too: it has no configuration and no layers,
/// its id is random, because it must not change when the list does, and its manifest is the list.
struct ImageRecord {
    int schema = 1;
    std::string id;                     ///< "sha256:…" of the config
    std::string manifest_digest;        ///< of the manifest kept under content/
    std::string manifest_type;          ///< media type
    std::string top_layer;              ///< chain id of the top layer; empty: no layers
    std::vector<std::string> chain_ids; ///< bottom first
    oci::ImageConfig config;
    std::int64_t created = 0;        ///< ns since 1970, from the config
    std::int64_t stored = 0;         ///< when it came here
    std::int64_t size = 0;           ///< bytes of all layers, unpacked; of a list: of its artifacts
    std::vector<ListSource> sources; ///< of a list
    /// What it is and was called, in full, the latest first. Names that it got before records had this are missing.
    std::vector<std::string> names_history;
    static constexpr std::size_t most_names = 100; ///< in the history
    /// Puts a name that it gets at the front of the history; false when it is there already.
    bool was_named(const Reference&);
    bool is_list() const {
        return manifest_type == oci::media_type::oci_index || manifest_type == oci::media_type::docker_list;
    }
    /// Digests of all that it has below content/.
    std::vector<std::string> content() const;
    bool operator==(const ImageRecord&) const = default;
    static constexpr void fields(auto&& field) {
        using R = ImageRecord;
        field("schema", &R::schema, required);
        field("id", &R::id, required);
        field("manifest_digest", &R::manifest_digest);
        field("manifest_type", &R::manifest_type);
        field("top_layer", &R::top_layer);
        field("chain_ids", &R::chain_ids);
        field("config", &R::config);
        field("created", &R::created);
        field("stored", &R::stored);
        field("size", &R::size);
        field("sources", &R::sources);
        field("names_history", &R::names_history);
    }
};

struct LayerRecord {
    int schema = 1;
    std::string chain_id, diff_id;
    std::vector<std::string> ancestors; ///< chain ids below this one, bottom first
    std::int64_t size = 0;              ///< bytes of regular files
    std::int64_t files = 0;
    std::int64_t tar_size = 0; ///< bytes of the uncompressed tar, which has the digest diff_id
    /// What unpacking found.
    void take(const LayerReply& reply) {
        diff_id = reply.diff_id;
        size = reply.size;
        files = reply.files;
        tar_size = reply.tar_size;
    }
    bool operator==(const LayerRecord&) const = default;
    static constexpr void fields(auto&& field) {
        using R = LayerRecord;
        field("schema", &R::schema, required);
        field("chain_id", &R::chain_id, required);
        field("diff_id", &R::diff_id, required);
        field("ancestors", &R::ancestors);
        field("size", &R::size);
        field("files", &R::files);
        field("tar_size", &R::tar_size);
    }
};

struct ImportOptions {
    std::string message;
    oci::ContainerDefaults config;         ///< from --change
    std::vector<std::string> changes;      ///< as given, for history
    std::string os, architecture, variant; ///< empty: this machine's
};

enum class ArchiveFormat { docker_archive, oci_archive };
/// Folders in place of archives: of the OCI image layout, or of one image as Podman's and skopeo's "dir:" has it.
enum class FolderFormat { oci, docker };

/// The chain id of a layer with the content `diff_id` on top of `parent` (empty for the bottom one): what a layer is called
/// here. https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#layer-chainid
std::string chain_id(const std::string& parent, const std::string& diff_id);

class ImageStore {
public:
    /// Opens nothing: what a reader needs is opened when it reads.
    explicit ImageStore(const Store& store) : store_(store) {}

    // Look-up. `reference`: name, name@digest, "sha256:…", or an id prefix. Readers take no lock.
    std::optional<ImageRecord> find(std::string_view reference) const;
    ImageRecord get(std::string_view reference) const; ///< throws NotFound "no such image: web:latest"
    std::vector<ImageRecord> all() const;
    std::vector<Reference> names_of(const Digest& image_id) const;
    std::map<std::string, std::vector<Reference>> all_names() const; ///< by image id
    std::string raw_config(const ImageRecord&) const;                ///< the bytes that the id is the digest of
    std::string raw_manifest(const ImageRecord&) const;
    LayerRecord layer(const std::string& chain_id) const;

    void tag(const Digest& image_id, const Reference&);
    /// False when the name did not exist.
    bool untag(const Reference&);
    /// Deletes the record and every layer and blob that no other image uses; the ids of deleted things as rmi prints them
    /// ("sha256:…": the image, then its layers from the top). Its names go first. `layers_in_use`: the top layers (chain ids) of
    /// ALL containers, also those of other images: they are kept with everything below them, whatever else is swept.
    /// Callers hold lock() from before they looked who uses the image.
    std::vector<std::string> remove(const Digest& image_id, const std::vector<std::string>& layers_in_use);
    /// Held by whoever removes images; tag, load and import take it themselves for a moment.
    FileLock lock() const;

    /// A root filesystem as one tar (plain, gzip, zstd, xz) from `archive` becomes a one-layer image. By kist-unpack.
    Digest import(const Fd& archive, const ImportOptions&, const std::optional<Reference>& name);
    /// A docker-archive or oci-archive (detected, also compressed). Returns what was loaded, for "Loaded image: …".
    struct Loaded {
        Digest id;
        std::vector<Reference> names;
    };
    /// `platform`: which of an image for several is taken; nothing: this machine's.
    std::vector<Loaded> load(const Fd& archive, const std::function<void(const std::string& line)>& progress,
                             const std::optional<oci::Platform>& platform = {});
    /// Several images into one archive. Layer tars come back byte for byte (tar-split), so digests match.
    struct SaveItem {
        ImageRecord image;
        std::vector<Reference> names;
    };
    void save(const std::vector<SaveItem>&, ArchiveFormat, const Fd& out) const;
    /// Into an empty folder. Durable when it returns. With `compress` the layers are compressed by gzip.
    void save(const std::vector<SaveItem>&, FolderFormat, const Dir& out, bool compress) const;

    /// Lower folders (topmost first) for a container of this image plus an upper in `container_data` (upper/, work/ are made):
    /// the plan that the monitor mounts. vfs: makes the copy now and plans a bind.
    struct RootOptions {
        bool is_volatile = false;
        std::vector<std::string> overlay; ///< as the kernel takes them
        std::int64_t size = 0;            ///< limit of what is written, with the project it is counted for; 0: none
        std::uint32_t project = 0;
    };
    oci::RootMount prepare_root(const std::string& top_layer, const Dir& container_data, const RootOptions&) const;
    /// The same files to look at only: all layers are lower ones, that of `container_data` on top. Nothing when there is
    /// nothing that could be mounted (no layers, a container that was never prepared, vfs without a copy).
    std::optional<oci::RootMount> read_only_root(const std::string& top_layer, const std::optional<Dir>& container_data,
                                                 const std::vector<std::string>& overlay_options = {}) const;

    /// The folders of an image's layers, topmost first, for a mount of it. Throws Error with a driver that keeps none as overlay
    /// wants them.
    std::vector<std::string> layer_folders(const std::string& top_layer) const;

private:
    const Store& store_;
};

} // namespace kist::storage
