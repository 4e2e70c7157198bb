// SPDX-License-Identifier: Apache-2.0
// The sockets of sd_notify(3) on both sides of a container's border: the service manager's, and one of the container's own, of
// whose words kist passes on what the manager may hear.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hh"
#include "base/file.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// The one that this process was started with (NOTIFY_SOCKET): a path, or an abstract name with '@' in front.
std::optional<std::string> manager_socket();
/// Throws SysError.
void tell_manager(const std::string& socket, std::string_view text);

/// Of a folder of the host below the container's own, which holds the container's socket.
inline constexpr const char* notify_folder = "notify";
/// Shows that folder to the container, read-only, and sets NOTIFY_SOCKET for its process.
void show_notify_socket(Spec&, const std::string& folder);
/// Makes the socket in that folder, in place of one that a killed owner left, for all users of the container. Non-blocking.
/// Changes the process's umask for a moment. Throws SysError.
Fd listen_notify(const Dir& folder);

} // namespace kist::oci
