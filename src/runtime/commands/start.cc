// SPDX-License-Identifier: Apache-2.0
// kist-oci start: lets the created container's process become its program.
#include "runtime/command.hh"
#include "runtime/operations.hh"

namespace kist::runtime::command {
namespace {

int start_container(const Call& call) {
    runtime::start(call.store().open(parse_operands(call).front()));
    return 0;
}

} // namespace

const Command start{
    .name = "start", .summary = "Run the program of a created container", .usage = "ID", .run = start_container};

} // namespace kist::runtime::command
