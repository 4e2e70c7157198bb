// SPDX-License-Identifier: Apache-2.0
// A program that enters containers must not be writable from inside one through /proc/PID/exe (CVE-2019-5736, P4): it is
// executed from a read-only mount of its own file, which costs two system calls and no copy.
#pragma once

#include <string>
#include <vector>

#include "base/fd.hh"

namespace kist::oci {

/// `path` on a detached read-only mount; execute it as "/proc/self/fd/N" (or execveat with AT_EMPTY_PATH).
Fd open_sealed_program(const std::string& path);
/// Executes `argv` anew with this process's own program sealed; returns when it runs sealed already. argv[0] becomes the
/// program's path, because /proc/self/exe does not tell it any more. For what enters a container from here (exec).
void run_sealed(const std::vector<std::string>& argv);
/// True when this process's own program is on a read-only mount already.
bool runs_sealed();

} // namespace kist::oci
