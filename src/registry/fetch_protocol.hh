// SPDX-License-Identifier: Apache-2.0
// What kist asks of kist-fetch and what it answers. The program gets a SEQPACKET socket as descriptor 3: first one Setup, then
// Ask after Ask, each with two descriptors: the one that bytes are written to or read from, and a SEQPACKET socket of its own
// that gets the Answer. Several may be under way at once. One process talks to one registry on behalf of one repository, so it
// never knows more than one credential.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.hh"
#include "oci/spec/image_spec.hh"

namespace kist::registry {

inline constexpr int fetch_socket_fd = 3;
inline constexpr std::size_t packet_limit = 64u << 10;
inline constexpr std::int64_t manifest_limit = 4 << 20; ///< also of a configuration (SECURITY P9)
inline constexpr std::int64_t token_limit = 1 << 20;
inline constexpr std::int64_t error_limit = 1 << 20;
/// A whole FoundImage as JSON: manifest and configuration, the latter twice, with escapes.
inline constexpr std::size_t found_limit = 64u << 20;
/// Names of a listing, as JSON.
inline constexpr std::size_t listing_limit = 16u << 20;

struct Setup {
    std::string host;       ///< "registry-1.docker.io", "127.0.0.1:5000"
    std::string repository; ///< "library/busybox"; empty: none (login, search)
    bool push = false;      ///< ask for the right to write
    bool plain_http = false;
    bool verify_tls = true;
    std::string user, password, identity_token;
    std::vector<std::string> token_hosts;  ///< may get the credential besides the registry
    std::vector<std::string> mount_from;   ///< repositories of this registry that blobs may be mounted from
    std::vector<std::string> cert_folders; ///< more CAs: *.crt; client certificates: *.cert with *.key
    int retries = 3;
    int retry_delay = 0;    ///< seconds; 0: 1, 2, 4 …
    int stall_seconds = 60; ///< an answer that brings nothing for so long has failed
    static constexpr void fields(auto&& field) {
        field("host", &Setup::host, required);
        field("repository", &Setup::repository);
        field("push", &Setup::push);
        field("plain_http", &Setup::plain_http);
        field("verify_tls", &Setup::verify_tls);
        field("user", &Setup::user);
        field("password", &Setup::password);
        field("identity_token", &Setup::identity_token);
        field("token_hosts", &Setup::token_hosts);
        field("mount_from", &Setup::mount_from);
        field("cert_folders", &Setup::cert_folders);
        field("retries", &Setup::retries);
        field("retry_delay", &Setup::retry_delay);
        field("stall_seconds", &Setup::stall_seconds);
    }
};

/// By kind, and what goes through the descriptor:
///   ping      nothing: does the registry accept the credential?
///   image     out, a FoundImage as JSON: what `reference` means for `platform`; of a manifest that is in `from` only its text
///   manifest  out, the bytes of the manifest or list `reference`
///   describe  out, a FoundManifest as JSON: what `reference` is, image or list
///   head      nothing: is the manifest `reference` there, and what is its digest?
///   blob      out, the blob `reference` of `size` bytes from `offset` on
///   exists    nothing: is the blob `reference` there, or can it be mounted from one of `from`?
///   upload    in, the blob. With a `reference` it has that digest and `size` bytes (at most manifest_limit); without, an
///             UploadEnd on the answer's socket tells the digest once all is read. With a `location`, that of an Answer before,
///             it goes on with the upload that was interrupted: what the registry has of the same bytes is not sent again.
///   store     in, the manifest `reference` of type `media_type`
///   tags      out, a list of names as JSON
///   search    out, the registry's answer to the query `reference` for at most `size` results
struct Ask {
    std::string kind;
    std::string reference;
    std::int64_t size = 0, offset = 0;
    oci::Platform platform;
    std::string media_type;
    std::vector<std::string> from;
    std::string location;
    int attempt = 0; ///< upload: how often it was interrupted already
    static constexpr void fields(auto&& field) {
        field("kind", &Ask::kind, required);
        field("reference", &Ask::reference);
        field("size", &Ask::size);
        field("offset", &Ask::offset);
        field("platform", &Ask::platform);
        field("media_type", &Ask::media_type);
        field("from", &Ask::from);
        field("location", &Ask::location);
        field("attempt", &Ask::attempt);
    }
};
struct Answer {
    std::string error; ///< empty: done
    std::string hint;
    bool denied = false;    ///< the error is that of missing rights
    bool missing = false;   ///< the error is that it is not there
    bool found = false;     ///< exists
    bool mounted = false;   ///< exists: it was not there before
    std::string media_type; ///< manifest: what the registry calls it
    std::string digest;     ///< what the registry says; not checked
    std::string location;   ///< upload: it was interrupted, and may go on there
    std::string subject;    ///< store: the digest whose referrers the registry lists it among; empty: it does not
    static constexpr void fields(auto&& field) {
        field("error", &Answer::error);
        field("hint", &Answer::hint);
        field("denied", &Answer::denied);
        field("missing", &Answer::missing);
        field("found", &Answer::found);
        field("mounted", &Answer::mounted);
        field("media_type", &Answer::media_type);
        field("digest", &Answer::digest);
        field("location", &Answer::location);
        field("subject", &Answer::subject);
    }
};
/// An empty digest gives the upload up.
struct UploadEnd {
    std::string digest;
    static constexpr void fields(auto&& field) { field("digest", &UploadEnd::digest); }
};

struct FoundImage {
    std::string list_text;       ///< of several platforms; empty when the name means one manifest
    std::string manifest_digest; ///< as the list has it
    std::string manifest_text, manifest_type;
    std::string said_digest; ///< of what the reference means, by the registry's header; may be empty
    std::string config_text, config_digest;
    oci::ImageConfig config;
    std::vector<oci::Descriptor> layers; ///< bottom first, as many as config.rootfs.diff_ids
    static constexpr void fields(auto&& field) {
        using F = FoundImage;
        field("list_text", &F::list_text);
        field("manifest_digest", &F::manifest_digest);
        field("manifest_text", &F::manifest_text);
        field("manifest_type", &F::manifest_type);
        field("said_digest", &F::said_digest);
        field("config_text", &F::config_text);
        field("config_digest", &F::config_digest);
        field("config", &F::config);
        field("layers", &F::layers);
    }
};

struct FoundManifest {
    std::string text, type;
    std::string said_digest;              ///< by the registry's header; may be empty
    std::vector<oci::Descriptor> entries; ///< of a list
    std::vector<oci::Descriptor> blobs;   ///< of an image: the configuration, then the layers
    oci::Platform platform;               ///< of an image
    static constexpr void fields(auto&& field) {
        using F = FoundManifest;
        field("text", &F::text);
        field("type", &F::type);
        field("said_digest", &F::said_digest);
        field("entries", &F::entries);
        field("blobs", &F::blobs);
        field("platform", &F::platform);
    }
};

} // namespace kist::registry
