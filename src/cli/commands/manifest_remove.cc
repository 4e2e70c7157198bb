// SPDX-License-Identifier: Apache-2.0
// kist manifest remove: an image off a list.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

int remove_from_list(Session& session) {
    const std::vector<std::string> operands = parse_operands(session);
    print_line(engine::remove_from_manifest_list(session.engine(), operands.front(), operands.back()));
    return 0;
}

} // namespace

const Command manifest_remove{.path = "manifest remove",
                              .shortcut = "",
                              .alias = "",
                              .summary = "Take an image off a manifest list",
                              .usage = "LIST IMAGE|DIGEST",
                              .section = Section::image,
                              .completes = Completes::image,
                              .operands = operands::exactly_two,
                              .run = remove_from_list};

} // namespace kist::cli::command
