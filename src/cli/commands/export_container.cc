// SPDX-License-Identifier: Apache-2.0
// kist export: a container's files as one tar.
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/changes.hh"

namespace kist::cli::command {
namespace {

int export_files(Session& session) {
    ExportOptions o;
    const std::vector<std::string> operands = parse_into(o, export_options, session);
    engine::Engine& engine = session.engine();
    const ContainerId id = engine.containers().find(operands.front());
    const auto warn = [](const std::string& text) { print_warning(text); };
    write_archive(o.output, [&](const Fd& out) { engine::export_container(engine, id, out, warn); });
    return 0;
}

} // namespace

const Command export_container{.path = "container export",
                               .shortcut = "export",
                               .alias = "",
                               .summary = "Write a container's files into an archive",
                               .usage = "CONTAINER",
                               .section = Section::container,
                               .completes = Completes::container,
                               .operands = operands::exactly_one,
                               .options = facts_of<export_options>,
                               .run = export_files};

} // namespace kist::cli::command
