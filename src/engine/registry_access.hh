// SPDX-License-Identifier: Apache-2.0
// How a command reaches a registry: what the user said on the command line and what kist.json says of the host.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/host_config.hh"
#include "oci/spec/image_spec.hh"
#include "storage/image_store.hh"

namespace kist::registry {
struct Setup;
}

namespace kist::engine {

using Warn = std::function<void(const std::string&)>;

/// Options that all commands share which speak to a registry.
struct RegistryOptions {
    std::string authfile; ///< instead of the usual places of credentials
    std::string creds;    ///< "user:password"
    std::string cert_dir; ///< instead of the usual folders
    std::optional<bool> tls_verify;
    std::optional<int> retry;
    std::string retry_delay;
    Warn warn; ///< may be empty
};

/// Which image of several platforms: --platform, each part of which --os, --arch and --variant override.
struct PlatformOptions {
    std::string platform, os, arch, variant;
    bool any() const { return !platform.empty() || !os.empty() || !arch.empty() || !variant.empty(); }
};
/// Completed by this machine's. Throws UsageError.
oci::Platform wanted_platform(const PlatformOptions&);
oci::Platform platform_of(const oci::ImageConfig&);
/// The variant of an image counts only where it is asked for.
bool fits_platform(const oci::ImageConfig&, const oci::Platform& wanted);

/// Without a credential. `host` as in a reference ("docker.io").
registry::Setup make_setup(const HostConfig&, const std::string& host, const std::string& repository,
                           const RegistryOptions&);
/// The credential for this host: --creds, or the one that is found.
void add_credential(registry::Setup&, const std::string& host, const RegistryOptions&);
/// Both.
registry::Setup make_setup(const HostConfig&, const storage::Reference&, const RegistryOptions&);

} // namespace kist::engine
