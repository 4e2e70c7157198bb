// SPDX-License-Identifier: Apache-2.0
// Compiled once for kist-oci: what nearly every command includes. Each file names what it needs all the same.
#include "base/json.hh"
#include "base/text.hh"
#include "runtime/command.hh"
#include "runtime/operations.hh"
