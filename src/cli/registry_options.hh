// SPDX-License-Identifier: Apache-2.0
// The options of all commands that speak to a registry, and those that choose a platform.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.hh"
#include "engine/pull.hh"

namespace kist::cli {

/// T derives from engine::RegistryOptions. What login, pull, push … share; run and create leave --creds out, because inspect
/// shows their command line.
template <typename T>
constexpr auto registry_options() {
    return std::to_array<Option<T>>({
        {{"authfile", "FILE", "Take credentials from FILE alone", Completes::file}, &T::authfile},
        {{"cert-dir", "FOLDER", "Certificates (*.crt, *.cert, *.key) are in FOLDER", Completes::folder}, &T::cert_dir},
        {{"retry", "NUMBER", "How often to try again after a failure that may pass (default 3)"}, &T::retry},
        {{"retry-delay", "TIME", "Wait between tries (default 1s, 2s, 4s ...)"}, &T::retry_delay},
        {{"tls-verify", "", "Check the registry's certificate (default true)"}, &T::tls_verify},
    });
}
template <typename T>
constexpr auto creds_option() {
    return std::to_array<Option<T>>({
        {{"creds", "USER[:PASSWORD]", "Log in with this instead of what 'kist login' stored"}, &T::creds},
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

/// Asks for the password of --creds USER.
void complete_creds(engine::RegistryOptions&);
/// From the terminal, without echo. Throws Error when standard input is none.
std::string ask_password();
/// A line of standard input.
std::string ask_line(std::string_view prompt);
/// The password of --password-stdin: standard input without its last line end.
std::string read_password();

} // namespace kist::cli
