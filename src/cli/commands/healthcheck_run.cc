// SPDX-License-Identifier: Apache-2.0
// kist healthcheck run: a health check now.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct HealthcheckRun : Selection {
    bool ignore_result = false;
};

constexpr auto options =
    sorted(concat(std::to_array<Option<HealthcheckRun>>({
                      {{"ignore-result", "", "Exit with 0 also when the check fails"}, &HealthcheckRun::ignore_result},
                  }),
                  latest_option<HealthcheckRun>()));

int check_health(Session& session) {
    HealthcheckRun o;
    o.names = parse_into(o, options, session);
    const ContainerId id = select_one(session, o);
    const engine::HealthResult result = engine::check_health(session.engine(), id);
    if (result.exit_code == 0) return 0;
    print_line(result.health == "healthy" ? "failed" : result.health);
    return o.ignore_result ? 0 : static_cast<int>(ExitCode::failure);
}

} // namespace

const Command healthcheck_run{.path = "healthcheck run",
                              .shortcut = "",
                              .alias = "",
                              .summary = "Check the health of a container now",
                              .usage = "CONTAINER",
                              .section = Section::container,
                              .completes = Completes::running_container,
                              .operands = operands::at_most_one,
                              .options = facts_of<options>,
                              .run = check_health};

} // namespace kist::cli::command
