// SPDX-License-Identifier: Apache-2.0
// kist-oci state: the specification's state document.
#include "cli/output.hh"
#include "runtime/command.hh"

namespace kist::runtime::command {
namespace {

int print_state(const Call& call) {
    cli::print_json(call.store().open(parse_operands(call).front()).state());
    return 0;
}

} // namespace

const Command state{
    .name = "state", .summary = "Print the state of a container as JSON", .usage = "ID", .run = print_state};

} // namespace kist::runtime::command
