// SPDX-License-Identifier: Apache-2.0
// kist volume import: a tar into a volume.
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

int import_volume(Session& session) {
    const std::vector<std::string> operands = parse_operands(session);
    const Fd archive = open_archive(operands.size() == 2 ? operands[1] : "-");
    engine::import_volume(session.engine(), operands.front(), archive);
    return 0;
}

} // namespace

const Command volume_import{.path = "volume import",
                            .shortcut = "",
                            .alias = "",
                            .summary = "Unpack a tar into a volume",
                            .usage = "VOLUME [FILE]",
                            .section = Section::volume,
                            .completes = Completes::volume,
                            .operands = operands::one_or_two,
                            .run = import_volume};

} // namespace kist::cli::command
