// SPDX-License-Identifier: Apache-2.0
// What kist asks of kist-fetch and what it answers. The program gets a SEQPACKET socket as descriptor 3: first one Setup, then
// Ask after Ask, each with one descriptor that the bytes asked for are written to; it answers each with one Answer. One process
// talks to one registry on behalf of one repository, so it never knows more than one credential.
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

struct Setup {
    std::string host;       ///< "registry-1.docker.io", "127.0.0.1:5000"
    std::string repository; ///< "library/busybox"
    bool plain_http = false;
    bool verify_tls = true;
    std::string user, password;
    std::string cert_folder; ///< more CAs: *.crt
    int retries = 3;
    static constexpr void fields(auto&& field) {
        field("host", &Setup::host, required);
        field("repository", &Setup::repository, required);
        field("plain_http", &Setup::plain_http);
        field("verify_tls", &Setup::verify_tls);
        field("user", &Setup::user);
        field("password", &Setup::password);
        field("cert_folder", &Setup::cert_folder);
        field("retries", &Setup::retries);
    }
};

/// kind "image": the descriptor gets a FoundImage as JSON. kind "blob": the blob as it is.
struct Ask {
    std::string kind;
    std::string reference; ///< tag or digest; of a blob its digest
    std::int64_t size = 0; ///< of a blob
    oci::Platform platform;
    static constexpr void fields(auto&& field) {
        field("kind", &Ask::kind, required);
        field("reference", &Ask::reference, required);
        field("size", &Ask::size);
        field("platform", &Ask::platform);
    }
};
struct Answer {
    std::string error; ///< empty: done
    std::string hint;
    static constexpr void fields(auto&& field) {
        field("error", &Answer::error);
        field("hint", &Answer::hint);
    }
};

struct FoundImage {
    std::string list_text; ///< of several platforms; empty when the name means one manifest
    std::string manifest_digest; ///< as the list has it
    std::string manifest_text, manifest_type;
    std::string config_text, config_digest;
    oci::ImageConfig config;
    std::vector<oci::Descriptor> layers; ///< bottom first, as many as config.rootfs.diff_ids
    static constexpr void fields(auto&& field) {
        using F = FoundImage;
        field("list_text", &F::list_text);
        field("manifest_digest", &F::manifest_digest);
        field("manifest_text", &F::manifest_text);
        field("manifest_type", &F::manifest_type);
        field("config_text", &F::config_text);
        field("config_digest", &F::config_digest);
        field("config", &F::config);
        field("layers", &F::layers);
    }
};

} // namespace kist::registry
