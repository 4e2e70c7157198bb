// SPDX-License-Identifier: Apache-2.0
// How a command reaches a registry: what the user said on the command line and what kist.json says of the host.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/host_config.hh"
#include "oci/spec/image_spec.hh"
#include "registry/fetch_protocol.hh"
#include "storage/image_store.hh"

namespace kist::engine {

/// Options that all commands share which speak to a registry.
struct RegistryOptions {
    std::string cert_dir; ///< more authorities: *.crt
    std::optional<bool> tls_verify;
    std::optional<int> retry;
};

/// Which image of several platforms: --platform, each part of which --os, --arch and --variant override.
struct PlatformOptions {
    std::string platform, os, arch, variant;
    bool any() const { return !platform.empty() || !os.empty() || !arch.empty() || !variant.empty(); }
};
/// Completed by this machine's. Throws UsageError.
oci::Platform wanted_platform(const PlatformOptions&);
/// The variant of an image counts only where it is asked for.
bool fits_platform(const oci::ImageConfig&, const oci::Platform& wanted);

registry::Setup make_setup(const HostConfig&, const storage::Reference&, const RegistryOptions&);

} // namespace kist::engine
