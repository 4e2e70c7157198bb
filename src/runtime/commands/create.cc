// SPDX-License-Identifier: Apache-2.0
// kist-oci create: everything up to the container's own program, which waits for `start`.
#include "oci/run/sealed_program.hh"
#include "runtime/create_options.hh"

namespace kist::runtime::command {
namespace {

constexpr auto options = cli::sorted(create_options<CreateArguments>());

int create_container(const Call& call) {
    CreateArguments given;
    const auto operands = parse_into(given, options, call);
    const CreateOptions wanted = to_create_options(given, operands.front(), cgroup_manager(call.globals));
    oci::run_sealed(call.argv);
    Creation made = runtime::create(call.store(), wanted, StartedBy::later);
    (void)made.process.take().release();
    return 0;
}

} // namespace

const Command create{.name = "create",
                     .summary = "Make a container from a bundle; its process waits for 'start'",
                     .usage = "ID",
                     .options = cli::facts_of<options>,
                     .run = create_container};

} // namespace kist::runtime::command
