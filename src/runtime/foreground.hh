// SPDX-License-Identifier: Apache-2.0
// `run` and `exec` without --detach: wait for the process, pass signals on, relay its terminal.
#pragma once

#include "base/process.hh"

namespace kist::runtime {

/// Our exit code. `terminal` is the process's pty master, or empty.
int wait_in_foreground(Child child, Fd terminal);

} // namespace kist::runtime
