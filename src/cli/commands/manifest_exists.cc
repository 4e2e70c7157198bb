// SPDX-License-Identifier: Apache-2.0
// kist manifest exists: an answer as an exit code, for scripts.
#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

int list_exists_or_not(Session& session) {
    const std::vector<std::string> names = parse_operands(session);
    const bool exists = engine::is_manifest_list(session.engine(), names.front());
    return static_cast<int>(exists ? ExitCode::success : ExitCode::failure);
}

} // namespace

const Command manifest_exists{.path = "manifest exists",
                              .shortcut = "",
                              .alias = "",
                              .summary = "Exit with 0 if a manifest list is here, else with 1",
                              .usage = "LIST",
                              .section = Section::image,
                              .completes = Completes::image,
                              .operands = operands::exactly_one,
                              .run = list_exists_or_not};

} // namespace kist::cli::command
