// SPDX-License-Identifier: Apache-2.0
// kist commit: an image from what a container changed.
#include "engine/commit.hh"

#include "base/error.hh"
#include "base/text.hh"
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"

namespace kist::cli::command {
namespace {

struct Commit : engine::CommitOptions {
    std::string format_name, iidfile;
    bool no_pause = false, quiet = false;
};

constexpr auto options = std::to_array<Option<Commit>>({
    {{"a,author", "TEXT", "The image's author"}, &Commit::author},
    {{"c,change", "INSTRUCTION", "Set the image's configuration, as 'CMD [\"sh\"]' (repeatable)"}, &Commit::changes},
    {{"config", "FILE", "JSON whose members replace those of the image's configuration", Completes::file},
     &Commit::config_file},
    {{"f,format", "FORMAT", "Kind of manifest: oci (the default) or docker", Completes::words, "oci|docker"},
     &Commit::format_name},
    {{"iidfile", "FILE", "Write the image's ID to FILE", Completes::file}, &Commit::iidfile},
    {{"include-volumes", "", "Make the container's mounts VOLUMEs of the image"}, &Commit::include_volumes},
    {{"m,message", "TEXT", "A comment, as history shows it"}, &Commit::message},
    {{"no-pause", "", "As --pause=false"}, &Commit::no_pause},
    {{"p,pause", "", "Pause a running container meanwhile (the default; --pause=false does not)"}, &Commit::pause},
    {{"q,quiet", "", "No warnings"}, &Commit::quiet},
    {{"s,squash", "", "One layer with all files, instead of one more"}, &Commit::squash},
});

void interpret(Commit& o) {
    if (!o.format_name.empty() && o.format_name != "oci" && o.format_name != "docker")
        throw UsageError("invalid value '{}' for --format: expected oci or docker", printable(o.format_name));
    if (o.format_name == "docker") o.format = engine::CommitOptions::Format::docker;
    if (o.no_pause) o.pause = false;
    if (!o.quiet) o.warn = [](const std::string& text) { print_warning(text); };
}

int commit_container(Session& session) {
    Commit o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    interpret(o);
    std::optional<storage::Reference> name;
    if (operands.size() == 2) name = storage::Reference::parse(operands[1]);
    if (name && !name->digest.empty())
        throw UsageError("cannot commit as '{}': a digest cannot be chosen", printable(operands[1]));
    engine::Engine& engine = session.engine();
    const ContainerId id = engine.containers().find(operands.front());
    const std::string image = engine::commit(engine, id, name, o).str();
    if (!o.iidfile.empty()) write_archive(o.iidfile, [&](const Fd& out) { write_full(out, image, o.iidfile); });
    print_line(image);
    return 0;
}

} // namespace

const Command commit{.path = "container commit",
                     .shortcut = "commit",
                     .alias = "",
                     .summary = "Make an image from a container's changes",
                     .usage = "CONTAINER [NAME]",
                     .section = Section::container,
                     .completes = Completes::container,
                     .operands = operands::one_or_two,
                     .options = facts_of<options>,
                     .run = commit_container};

} // namespace kist::cli::command
