// SPDX-License-Identifier: Apache-2.0
// kist volume export: what is in a volume, as a tar.
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

int export_volume(Session& session) {
    ExportOptions o;
    const std::vector<std::string> names = parse_into(o, export_options, session);
    engine::Engine& engine = session.engine();
    engine::view_volume(engine, names.front()); // before the file is made
    write_archive(o.output, [&](const Fd& out) { engine::export_volume(engine, names.front(), out, print_warning); });
    return 0;
}

} // namespace

const Command volume_export{.path = "volume export",
                            .shortcut = "",
                            .alias = "",
                            .summary = "Write what is in a volume as a tar",
                            .usage = "VOLUME",
                            .section = Section::volume,
                            .completes = Completes::volume,
                            .operands = operands::exactly_one,
                            .options = facts_of<export_options>,
                            .run = export_volume};

} // namespace kist::cli::command
