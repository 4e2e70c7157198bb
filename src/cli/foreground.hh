// SPDX-License-Identifier: Apache-2.0
// What run, start and attach share about the user's terminal.
#pragma once

#include "engine/containers.hh"
#include "engine/create_options.hh"

namespace kist::cli {

/// Streams by -a and -i: without -a, stdout and stderr, and stdin with -i. Throws UsageError for an unknown stream.
engine::AttachOptions attach_options(const engine::CreateOptions&);

/// "the input device is not a TTY": -t with -i needs one, else nobody could type.
void require_terminal();

} // namespace kist::cli
