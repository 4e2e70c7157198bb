// SPDX-License-Identifier: Apache-2.0
// What kist asks of kist-unpack and what it answers. The program gets:
//   argv[1]  the mode: layer, extract, index, layout, assemble, pack, expand   argv[2]  the request as JSON
//   fd 0     the archive (assemble: /dev/null)       fd 1     assemble, pack, expand: where the bytes go
//   fd 3     the folder it is confined to: it becomes its root
//   fd 4     a pipe for one reply as JSON            fd 5     index: an unnamed file to spool into
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hh"
#include "oci/spec/image_spec.hh"

namespace kist::storage {

inline constexpr int unpack_folder_fd = 3;
inline constexpr int unpack_reply_fd = 4;
inline constexpr int unpack_spool_fd = 5;
/// Replies carry whole manifests and configs (4 MiB each, SECURITY P9).
inline constexpr std::size_t unpack_reply_limit = 64u << 20;

/// mode layer: the tar (plain, gzip, zstd, xz) at [offset, offset + size) of the archive becomes diff/ and tar-split.zst.
struct LayerRequest {
    std::int64_t offset = 0;
    std::int64_t size = -1;      ///< -1: read from where it stands to the end
    std::string blob_digest;     ///< of the bytes as they are, when known
    std::string diff_id;         ///< of the uncompressed tar, when known
    std::int64_t byte_limit = 0; ///< of the uncompressed tar; 0: what the disk has room for
    static constexpr void fields(auto&& field) {
        using R = LayerRequest;
        field("offset", &R::offset);
        field("size", &R::size);
        field("blob_digest", &R::blob_digest);
        field("diff_id", &R::diff_id);
        field("byte_limit", &R::byte_limit);
    }
};
struct LayerReply {
    std::string error; ///< empty: everything below holds and the digests asked for matched
    std::string blob_digest, diff_id;
    std::int64_t blob_size = 0, tar_size = 0;
    std::int64_t size = 0, files = 0; ///< bytes of regular files, number of entries
    static constexpr void fields(auto&& field) {
        using R = LayerReply;
        field("error", &R::error);
        field("blob_digest", &R::blob_digest);
        field("diff_id", &R::diff_id);
        field("blob_size", &R::blob_size);
        field("tar_size", &R::tar_size);
        field("size", &R::size);
        field("files", &R::files);
    }
};

struct FileOwner {
    std::uint32_t uid = 0, gid = 0;
    bool operator==(const FileOwner&) const = default;
    static constexpr void fields(auto&& field) {
        field("uid", &FileOwner::uid);
        field("gid", &FileOwner::gid);
    }
};

/// mode extract: the files of a tar (plain, gzip, zstd, xz), read from where the archive stands to its end, into the folder
/// `path` of the root. Names that begin with .wh. are names like any other.
struct ExtractRequest {
    std::string path;               ///< clean, relative to the root; empty: the root itself
    std::optional<FileOwner> owner; ///< of everything that is made; nothing: as the archive says
    bool keep_privileges = false;   ///< setuid and setgid bits, capabilities, ACLs and devices too
    /// a folder may take the place of another kind of file, and the other way round
    bool overwrite = false;
    static constexpr void fields(auto&& field) {
        using R = ExtractRequest;
        field("path", &R::path);
        field("owner", &R::owner);
        field("keep_privileges", &R::keep_privileges);
        field("overwrite", &R::overwrite);
    }
};
struct ExtractReply {
    std::string error;
    std::int64_t files = 0;
    static constexpr void fields(auto&& field) {
        field("error", &ExtractReply::error);
        field("files", &ExtractReply::files);
    }
};

/// mode index: what images a docker-archive or oci-archive holds, and where their layers are in it.
struct IndexRequest {
    std::string os, architecture, variant; ///< of several platforms of one image this one is taken
    std::int64_t byte_limit = 0;           ///< as above, for an archive that has to be spooled
    static constexpr void fields(auto&& field) {
        using R = IndexRequest;
        field("os", &R::os);
        field("architecture", &R::architecture);
        field("variant", &R::variant);
        field("byte_limit", &R::byte_limit);
    }
};
struct ArchiveLayer {
    std::int64_t offset = 0, size = 0;
    std::string blob_digest; ///< oci-archive: what the manifest says; else empty
    std::string diff_id;     ///< what the configuration says
    bool operator==(const ArchiveLayer&) const = default;
    static constexpr void fields(auto&& field) {
        using R = ArchiveLayer;
        field("offset", &R::offset);
        field("size", &R::size);
        field("blob_digest", &R::blob_digest);
        field("diff_id", &R::diff_id);
    }
};
struct ArchiveImage {
    std::vector<std::string> names; ///< as the archive has them
    std::string config_text;        ///< the bytes that the image's id is the digest of
    oci::ImageConfig config;
    std::string manifest_text, manifest_type; ///< empty for a docker-archive
    std::vector<ArchiveLayer> layers;         ///< bottom first, one for each of config.rootfs.diff_ids
    bool operator==(const ArchiveImage&) const = default;
    static constexpr void fields(auto&& field) {
        using R = ArchiveImage;
        field("names", &R::names);
        field("config_text", &R::config_text);
        field("config", &R::config);
        field("manifest_text", &R::manifest_text);
        field("manifest_type", &R::manifest_type);
        field("layers", &R::layers);
    }
};
struct IndexReply {
    std::string error;
    bool spooled = false; ///< offsets are those of the spool file, not of the archive
    std::vector<ArchiveImage> images;
    static constexpr void fields(auto&& field) {
        using R = IndexReply;
        field("error", &R::error);
        field("spooled", &R::spooled);
        field("images", &R::images);
    }
};

/// mode assemble: writes the tar that the folder was made from, byte for byte, compressed if asked for.
struct AssembleRequest {
    std::string diff_id;
    std::int64_t tar_size = 0;
    std::string compression = {}; ///< "gzip", "zstd"; empty: none
    int level = 0;                ///< 0: the usual one
    static constexpr void fields(auto&& field) {
        field("diff_id", &AssembleRequest::diff_id, required);
        field("tar_size", &AssembleRequest::tar_size, required);
        field("compression", &AssembleRequest::compression);
        field("level", &AssembleRequest::level);
    }
};
struct AssembleReply {
    std::string error;
    std::string blob_digest; ///< of what was written
    std::int64_t blob_size = 0;
    static constexpr void fields(auto&& field) {
        field("error", &AssembleReply::error);
        field("blob_digest", &AssembleReply::blob_digest);
        field("blob_size", &AssembleReply::blob_size);
    }
};

/// mode pack: what is left to read of fd 0, as gzip, behind what fd 1 holds.
struct PackRequest {
    static constexpr void fields(auto&&) {}
};
/// mode expand: the file at fd 0 (gzip, zstd, xz, or plain) decoded to fd 1.
struct ExpandRequest {
    std::int64_t byte_limit = 0; ///< as in LayerRequest
    static constexpr void fields(auto&& field) { field("byte_limit", &ExpandRequest::byte_limit); }
};
struct PackReply {
    std::string error;
    static constexpr void fields(auto&& field) { field("error", &PackReply::error); }
};

} // namespace kist::storage
