// SPDX-License-Identifier: Apache-2.0
// Image configuration, manifest and index of the OCI image specification 1.1 and Docker's schema 2, which agree in the
// fields that matter here. Data only. What has a digest is kept as the bytes received, never written again from these.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hh"

namespace kist::oci {

namespace media_type {
inline constexpr std::string_view oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view oci_empty = "application/vnd.oci.empty.v1+json";
inline constexpr std::string_view oci_config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view oci_layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view oci_layer_gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view oci_layer_zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_config = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view docker_layer_gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view docker_layer = "application/vnd.docker.image.rootfs.diff.tar";
} // namespace media_type

/// Durations in nanoseconds, as Docker stores them; 0 inherits the default.
struct HealthConfig {
    std::vector<std::string> test;
    std::int64_t interval = 0, timeout = 0, start_period = 0, start_interval = 0;
    std::int32_t retries = 0;
    bool exit_on_unhealthy = false; ///< SEEDS A083; others ignore it
    bool operator==(const HealthConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("Test", &HealthConfig::test);
        field("Interval", &HealthConfig::interval);
        field("Timeout", &HealthConfig::timeout);
        field("StartPeriod", &HealthConfig::start_period);
        field("StartInterval", &HealthConfig::start_interval);
        field("Retries", &HealthConfig::retries);
        field("ExitOnUnhealthy", &HealthConfig::exit_on_unhealthy);
    }
};

struct Empty {
    bool operator==(const Empty&) const = default;
    static constexpr void fields(auto&&) {}
};

/// The "config" member: how to run a container of this image.
struct ContainerDefaults {
    std::string user;
    std::map<std::string, Empty> exposed_ports;
    std::vector<std::string> env;
    std::vector<std::string> entrypoint;
    std::vector<std::string> cmd;
    std::map<std::string, Empty> volumes;
    std::string working_dir;
    std::map<std::string, std::string> labels;
    std::string stop_signal;
    std::vector<std::string> shell;
    std::optional<HealthConfig> healthcheck;
    std::vector<std::string> on_build;
    bool operator==(const ContainerDefaults&) const = default;
    static constexpr void fields(auto&& field) {
        field("User", &ContainerDefaults::user);
        field("ExposedPorts", &ContainerDefaults::exposed_ports);
        field("Env", &ContainerDefaults::env);
        field("Entrypoint", &ContainerDefaults::entrypoint);
        field("Cmd", &ContainerDefaults::cmd);
        field("Volumes", &ContainerDefaults::volumes);
        field("WorkingDir", &ContainerDefaults::working_dir);
        field("Labels", &ContainerDefaults::labels);
        field("StopSignal", &ContainerDefaults::stop_signal);
        field("Shell", &ContainerDefaults::shell);
        field("Healthcheck", &ContainerDefaults::healthcheck);
        field("OnBuild", &ContainerDefaults::on_build);
    }
};

struct RootFs {
    std::string type = "layers";
    std::vector<std::string> diff_ids;
    bool operator==(const RootFs&) const = default;
    static constexpr void fields(auto&& field) {
        field("type", &RootFs::type, required);
        field("diff_ids", &RootFs::diff_ids, required);
    }
};

struct History {
    std::string created;
    std::string created_by;
    std::string author;
    std::string comment;
    bool empty_layer = false;
    bool operator==(const History&) const = default;
    static constexpr void fields(auto&& field) {
        field("created", &History::created);
        field("created_by", &History::created_by);
        field("author", &History::author);
        field("comment", &History::comment);
        field("empty_layer", &History::empty_layer);
    }
};

struct ImageConfig {
    std::string created;
    std::string author;
    std::string architecture;
    std::string variant;
    std::string os;
    ContainerDefaults config;
    RootFs rootfs;
    std::vector<History> history;
    bool operator==(const ImageConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("created", &ImageConfig::created);
        field("author", &ImageConfig::author);
        field("architecture", &ImageConfig::architecture, required);
        field("variant", &ImageConfig::variant);
        field("os", &ImageConfig::os, required);
        field("config", &ImageConfig::config);
        field("rootfs", &ImageConfig::rootfs, required);
        field("history", &ImageConfig::history);
    }
};

struct Platform {
    std::string architecture, os, variant;
    std::string os_version = {};
    std::vector<std::string> os_features = {}, features = {};
    /// "linux/arm/v7", as --platform takes it; what a stranger wrote is still to be made printable.
    std::string str() const { return os + "/" + architecture + (variant.empty() ? "" : "/" + variant); }
    bool operator==(const Platform&) const = default;
    static constexpr void fields(auto&& field) {
        field("architecture", &Platform::architecture);
        field("os", &Platform::os);
        field("variant", &Platform::variant);
        field("os.version", &Platform::os_version);
        field("os.features", &Platform::os_features);
        field("features", &Platform::features);
    }
};

struct Descriptor {
    std::string media_type;
    std::string digest;
    std::int64_t size = 0;
    std::map<std::string, std::string> annotations;
    std::optional<Platform> platform;
    std::string artifact_type = {};
    std::string data = {}; ///< the bytes themselves, in base64
    bool operator==(const Descriptor&) const = default;
    static constexpr void fields(auto&& field) {
        field("mediaType", &Descriptor::media_type, required);
        field("digest", &Descriptor::digest, required);
        field("size", &Descriptor::size, required);
        field("annotations", &Descriptor::annotations);
        field("platform", &Descriptor::platform);
        field("artifactType", &Descriptor::artifact_type);
        field("data", &Descriptor::data);
    }
};

struct Manifest {
    int schema_version = 0;
    std::string media_type;
    std::optional<Descriptor> config;
    std::vector<Descriptor> layers;
    std::map<std::string, std::string> annotations;
    std::string artifact_type = {};
    std::optional<Descriptor> subject = std::nullopt;
    bool operator==(const Manifest&) const = default;
    static constexpr void fields(auto&& field) {
        field("schemaVersion", &Manifest::schema_version, required);
        field("mediaType", &Manifest::media_type);
        field("artifactType", &Manifest::artifact_type);
        field("config", &Manifest::config);
        field("layers", &Manifest::layers);
        field("subject", &Manifest::subject);
        field("annotations", &Manifest::annotations);
    }
};

struct Index {
    int schema_version = 0;
    std::string media_type;
    std::vector<Descriptor> manifests;
    std::map<std::string, std::string> annotations;
    std::optional<Descriptor> subject = std::nullopt;
    bool operator==(const Index&) const = default;
    static constexpr void fields(auto&& field) {
        field("schemaVersion", &Index::schema_version, required);
        field("mediaType", &Index::media_type);
        field("manifests", &Index::manifests);
        field("annotations", &Index::annotations);
        field("subject", &Index::subject);
    }
};

/// One element of manifest.json in a docker-archive (docker save).
struct DockerArchiveEntry {
    std::string config;
    std::vector<std::string> repo_tags;
    std::vector<std::string> layers;
    bool operator==(const DockerArchiveEntry&) const = default;
    static constexpr void fields(auto&& field) {
        field("Config", &DockerArchiveEntry::config, required);
        field("RepoTags", &DockerArchiveEntry::repo_tags);
        field("Layers", &DockerArchiveEntry::layers, required);
    }
};

} // namespace kist::oci
