// SPDX-License-Identifier: Apache-2.0
// The options of all commands that speak to a registry, and those that choose a platform.
#pragma once

#include "cli/command.hh"
#include "engine/pull.hh"

namespace kist::cli {

/// T derives from engine::RegistryOptions.
template <typename T>
constexpr auto registry_options() {
    return std::to_array<Option<T>>({
        {{"cert-dir", "FOLDER", "Trust the authorities in FOLDER (*.crt) too", Completes::folder}, &T::cert_dir},
        {{"retry", "NUMBER", "How often to try again after a failure that may pass (default 3)"}, &T::retry},
        {{"tls-verify", "", "Check the registry's certificate (default true)"}, &T::tls_verify},
    });
}

/// T derives from engine::PlatformOptions.
template <typename T>
constexpr auto platform_options() {
    return std::to_array<Option<T>>({
        {{"arch", "ARCH", "Take the image for this architecture"}, &T::arch},
        {{"os", "OS", "Take the image for this operating system"}, &T::os},
        {{"platform", "OS/ARCH[/VARIANT]", "Take the image for this platform"}, &T::platform},
        {{"variant", "VARIANT", "Take the image for this variant of the architecture"}, &T::variant},
    });
}

} // namespace kist::cli
