// SPDX-License-Identifier: Apache-2.0
// From host configuration and options to what kist-fetch is told.
#include "engine/registry_access.hh"

#include <algorithm>
#include <array>

#include "base/error.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "registry/credentials.hh"
#include "registry/fetch_protocol.hh"
#include "storage/image_writer.hh"

namespace kist::engine {
namespace {

/// The spellings of uname(1) are what people type.
std::string architecture_meant(const std::string& text) {
    constexpr std::pair<std::string_view, std::string_view> known[] = {{"x86_64", "amd64"},  {"x86-64", "amd64"},
                                                                       {"aarch64", "arm64"}, {"i386", "386"},
                                                                       {"i686", "386"},      {"armhf", "arm"}};
    const std::string lower = to_lower(text);
    for (const auto& [name, meant] : known)
        if (lower == name) return std::string(meant);
    return lower;
}

bool is_word(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
}

void take_platform(oci::Platform& platform, const std::string& text) {
    static constexpr std::array systems{"linux", "windows", "darwin", "freebsd"};
    const std::vector<std::string> parts = split(text, '/');
    if (parts.empty() || parts.size() > 3 || !std::all_of(parts.begin(), parts.end(), is_word))
        throw UsageError("invalid platform '{}': it is OS, ARCH, OS/ARCH or OS/ARCH/VARIANT", printable(text));
    const bool only_system = parts.size() == 1 && std::find(systems.begin(), systems.end(), parts[0]) != systems.end();
    if (only_system || parts.size() > 1) platform.os = to_lower(parts[0]);
    if (only_system) return;
    platform.architecture = architecture_meant(parts.size() == 1 ? parts[0] : parts[1]);
    platform.variant = parts.size() == 3 ? parts[2] : "";
}

/// Seconds, or a duration as "2s".
int parse_delay(const std::string& text) {
    if (text.empty()) return 0;
    if (const auto seconds = parse_unsigned(text, 3600)) return static_cast<int>(*seconds);
    const auto duration = parse_duration(text);
    if (!duration || *duration < std::chrono::seconds(0) || *duration > std::chrono::hours(1))
        throw UsageError("--retry-delay '{}': it is a time of up to an hour, as 2s", printable(text));
    return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(*duration).count());
}

} // namespace

oci::Platform wanted_platform(const PlatformOptions& options) {
    oci::Platform platform = storage::host_platform();
    if (!options.platform.empty()) take_platform(platform, options.platform);
    for (const std::string* text : {&options.os, &options.arch, &options.variant})
        if (!text->empty() && !is_word(*text)) throw UsageError("invalid platform word '{}'", printable(*text));
    if (!options.os.empty()) platform.os = to_lower(options.os);
    if (!options.arch.empty()) {
        platform.architecture = architecture_meant(options.arch);
        platform.variant.clear();
    }
    if (!options.variant.empty()) platform.variant = options.variant;
    return platform;
}

oci::Platform platform_of(const oci::ImageConfig& image) {
    return {.architecture = image.architecture, .os = image.os, .variant = image.variant};
}

bool fits_platform(const oci::ImageConfig& image, const oci::Platform& wanted) {
    return image.os == wanted.os && image.architecture == wanted.architecture &&
           (wanted.variant.empty() || image.variant.empty() || image.variant == wanted.variant);
}

registry::Setup make_setup(const HostConfig& config, const std::string& host, const std::string& repository,
                           const RegistryOptions& options) {
    registry::Setup setup;
    setup.host = host == "docker.io" ? "registry-1.docker.io" : host;
    setup.repository = repository;
    const auto& insecure = config.insecure_registries;
    setup.plain_http = std::find(insecure.begin(), insecure.end(), host) != insecure.end();
    setup.verify_tls = options.tls_verify.value_or(true);
    if (const auto own = config.registries.find(host); own != config.registries.end())
        setup.token_hosts = own->second.token_hosts;
    if (!options.cert_dir.empty()) {
        setup.cert_folders = {options.cert_dir};
    } else {
        for (const char* folder : {"/etc/containers/certs.d/", "/etc/docker/certs.d/", "/etc/kist/certs.d/"})
            setup.cert_folders.push_back(folder + host);
    }
    setup.retries = options.retry.value_or(3);
    if (setup.retries < 0 || setup.retries > 100) throw UsageError("--retry is a number from 0 to 100");
    setup.retry_delay = parse_delay(options.retry_delay);
    setup.stall_seconds = static_cast<int>(config.registry_timeout);
    return setup;
}

void add_credential(registry::Setup& setup, const std::string& host, const RegistryOptions& options) {
    if (!options.creds.empty()) {
        registry::guard_secrets();
        const auto [user, password] = split_once(options.creds, ':');
        if (user.empty() || !password) throw UsageError("--creds is USER:PASSWORD");
        setup.user = user;
        setup.password = *password;
        return;
    }
    const auto warn = [&](const std::string& text) {
        if (options.warn) options.warn(text);
    };
    const auto found = registry::find_credential({host, setup.repository, options.authfile}, warn);
    if (!found) return;
    setup.user = found->credential.user;
    setup.password = found->credential.password;
    setup.identity_token = found->credential.identity_token;
}

registry::Setup make_setup(const HostConfig& config, const storage::Reference& name, const RegistryOptions& options) {
    registry::Setup setup = make_setup(config, name.domain, name.path, options);
    add_credential(setup, name.domain, options);
    return setup;
}

} // namespace kist::engine
