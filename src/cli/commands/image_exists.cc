// SPDX-License-Identifier: Apache-2.0
// kist image exists: an answer as an exit code, for scripts.
#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

int image_exists_or_not(Session& session) {
    const std::vector<std::string> names = parse_operands(session);
    const bool exists = session.engine().images().find(names.front()).has_value();
    return static_cast<int>(exists ? ExitCode::success : ExitCode::failure);
}

} // namespace

const Command image_exists{.path = "image exists",
                           .shortcut = "",
                           .alias = "",
                           .summary = "Exit with 0 if an image exists, else with 1",
                           .usage = "IMAGE",
                           .section = Section::image,
                           .completes = Completes::image,
                           .operands = operands::exactly_one,
                           .run = image_exists_or_not};

} // namespace kist::cli::command
