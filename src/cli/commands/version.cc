// SPDX-License-Identifier: Apache-2.0
// kist version: of kist and of what it runs on.
#include "cli/commands/all.hh"
#include "cli/format/template.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"

namespace kist::cli::command {
namespace {

struct Version {
    std::optional<std::string> format;
};

constexpr auto options = std::to_array<Option<Version>>({
    {{"f,format", "FORMAT", "'json' or a template"}, &Version::format},
});

int show_version(Session& session) {
    Version o;
    parse_into(o, options, session);
    const Value document = engine::version();
    if (o.format == "json") {
        print_json(document);
        return 0;
    }
    if (o.format && !o.format->empty()) {
        print_line(
            Template::parse(*o.format, {.name = "version"}).execute(document, {.missing_key = MissingKey::error}));
        return 0;
    }
    const Value& client = *document.find("Client");
    print("Version:      " + client.find("Version")->as_string() + "\nOS/Arch:      " +
          client.find("OsArch")->as_string() + "\nKernel:       " + client.find("KernelVersion")->as_string() + "\n");
    return 0;
}

} // namespace

const Command version{.path = "version",
                      .shortcut = "",
                      .alias = "",
                      .summary = "Show the version",
                      .usage = "",
                      .section = Section::system,
                      .operands = operands::none,
                      .options = facts_of<options>,
                      .run = show_version};

} // namespace kist::cli::command
