// SPDX-License-Identifier: Apache-2.0
// Compiled once for kist-cli: what nearly every command includes. Each file names what it needs all the same.
#include "base/text.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
