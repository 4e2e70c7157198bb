// SPDX-License-Identifier: Apache-2.0
// Finds a container's command as a shell would, and words the failures as Docker's users know them: 127 for a command that
// does not exist, 126 for one that cannot be executed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kist::oci {

inline constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The value of `name` in an environment; the last one wins, as it does for the program itself. Null when missing.
const std::string* find_env(const std::vector<std::string>& env, std::string_view name);

/// Runs inside the container, as its user, in its working directory. A name with a slash is taken as it is. Throws Error
/// with exit code 126 or 127.
std::string find_program(const std::string& name, const std::vector<std::string>& env);

/// Throws what a failed execve(2) of `name` means to the user; `code` is its errno.
[[noreturn]] void throw_exec_failure(const std::string& name, int code);

} // namespace kist::oci
