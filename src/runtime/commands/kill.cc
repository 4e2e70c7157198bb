// SPDX-License-Identifier: Apache-2.0
// kist-oci kill: a signal to a container's first process, or to all of them.
#include <csignal>

#include "base/signals.hh"
#include "base/text.hh"
#include "runtime/command.hh"
#include "runtime/operations.hh"

namespace kist::runtime::command {
namespace {

struct Kill {
    bool all = false;
};
constexpr auto options = cli::sorted(std::to_array<cli::Option<Kill>>({
    {{"a,all", "", "Every process of the container"}, &Kill::all},
}));

int kill_container(const Call& call) {
    Kill given;
    const auto operands = parse_into(given, options, call);
    int number = SIGTERM;
    if (operands.size() > 1) {
        const auto parsed = parse_signal(operands[1]);
        if (!parsed) throw UsageError("unknown signal '{}'", printable(operands[1]));
        number = *parsed;
    }
    runtime::kill(call.store().open(operands.front()), number, given.all ? Reach::everybody : Reach::first_process);
    return 0;
}

} // namespace

const Command kill{.name = "kill",
                   .summary = "Send a signal (default SIGTERM) to a container",
                   .usage = "ID [SIGNAL]",
                   .operands = cli::operands::one_or_two,
                   .options = cli::facts_of<options>,
                   .run = kill_container};

} // namespace kist::runtime::command
