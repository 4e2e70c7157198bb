// SPDX-License-Identifier: Apache-2.0
// From host configuration and options to what kist-fetch is told.
#include "engine/registry_access.hh"

#include <algorithm>
#include <array>

#include "base/error.hh"
#include "base/text.hh"
#include "storage/image_writer.hh"

namespace kist::engine {
namespace {

/// The spellings of uname(1) are what people type.
std::string architecture(const std::string& text) {
    constexpr std::pair<std::string_view, std::string_view> known[] = {
        {"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"}, {"i386", "386"}, {"i686", "386"}, {"armhf", "arm"}};
    const std::string lower = to_lower(text);
    for (const auto& [name, meant] : known)
        if (lower == name) return std::string(meant);
    return lower;
}

bool is_word(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
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
    platform.architecture = architecture(parts.size() == 1 ? parts[0] : parts[1]);
    platform.variant = parts.size() == 3 ? parts[2] : "";
}

} // namespace

oci::Platform wanted_platform(const PlatformOptions& options) {
    oci::Platform platform = storage::host_platform();
    if (!options.platform.empty()) take_platform(platform, options.platform);
    for (const std::string* text : {&options.os, &options.arch, &options.variant})
        if (!text->empty() && !is_word(*text)) throw UsageError("invalid platform word '{}'", printable(*text));
    if (!options.os.empty()) platform.os = to_lower(options.os);
    if (!options.arch.empty()) {
        platform.architecture = architecture(options.arch);
        platform.variant.clear();
    }
    if (!options.variant.empty()) platform.variant = options.variant;
    return platform;
}

bool fits_platform(const oci::ImageConfig& image, const oci::Platform& wanted) {
    return image.os == wanted.os && image.architecture == wanted.architecture &&
           (wanted.variant.empty() || image.variant.empty() || image.variant == wanted.variant);
}

registry::Setup make_setup(const HostConfig& config, const storage::Reference& name, const RegistryOptions& options) {
    registry::Setup setup;
    setup.host = name.domain == "docker.io" ? "registry-1.docker.io" : name.domain;
    setup.repository = name.path;
    const auto& insecure = config.insecure_registries;
    setup.plain_http = std::find(insecure.begin(), insecure.end(), name.domain) != insecure.end();
    setup.verify_tls = options.tls_verify.value_or(true);
    setup.cert_folder = options.cert_dir;
    setup.retries = options.retry.value_or(3);
    if (setup.retries < 0) throw UsageError("--retry is a number from 0 on");
    return setup;
}

} // namespace kist::engine
