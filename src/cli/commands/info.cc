// SPDX-License-Identifier: Apache-2.0
// kist info: numbers of containers and images, where they are kept, and what the host offers.
#include "base/size.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/documents.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"

namespace kist::cli::command {
namespace {

struct Info {
    std::optional<std::string> format;
};

constexpr auto options = std::to_array<Option<Info>>({
    {{"f,format", "FORMAT", "'json' or a template"}, &Info::format},
});

std::string text_of(const Value& value) {
    if (value.is_string()) return value.as_string();
    if (value.is_bool()) return value.as_bool() ? "true" : "false";
    if (value.is_signed()) return std::to_string(value.as_signed());
    std::vector<std::string> items;
    if (value.is_list())
        for (const Value& item : value.as_list())
            items.push_back(item.is_list() ? item.as_list()[0].as_string() + "=" + item.as_list()[1].as_string()
                                           : item.as_string());
    return join(items, " ");
}

void print_lines(const Value& document) {
    constexpr std::pair<std::string_view, std::string_view> lines[] = {{"Containers", "Containers"},
                                                                       {" Running", "ContainersRunning"},
                                                                       {" Paused", "ContainersPaused"},
                                                                       {" Stopped", "ContainersStopped"},
                                                                       {"Images", "Images"},
                                                                       {"Server Version", "ServerVersion"},
                                                                       {"Storage Driver", "Driver"},
                                                                       {"Storage Options", "DriverStatus"},
                                                                       {"Logging Driver", "LoggingDriver"},
                                                                       {"Cgroup Driver", "CgroupDriver"},
                                                                       {"Cgroup Version", "CgroupVersion"},
                                                                       {"Cgroup Mode", "CgroupMode"},
                                                                       {"Cgroup Controllers", "CgroupControllers"},
                                                                       {"Security Options", "SecurityOptions"},
                                                                       {"Kernel Version", "KernelVersion"},
                                                                       {"Operating System", "OperatingSystem"},
                                                                       {"OSType", "OSType"},
                                                                       {"Architecture", "Architecture"},
                                                                       {"CPUs", "NCPU"},
                                                                       {"Total Memory", "MemTotal"},
                                                                       {"Name", "Name"},
                                                                       {"Kist Root Dir", "KistRootDir"},
                                                                       {"Run Root", "RunRoot"}};
    std::string text;
    for (const auto& [label, field] : lines) {
        const Value& value = *document.find(field);
        text += std::string(label) + ": ";
        text +=
            (field == "MemTotal" ? human_bytes_binary(static_cast<double>(value.as_signed())) : text_of(value)) + "\n";
    }
    print(text);
    for (const Value& warning : document.find("Warnings")->as_list()) print_warning(warning.as_string());
}

int show_info(Session& session) {
    Info o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    if (!operands.empty())
        throw UsageError("'kist info' takes no argument")
            .with_hint("did you mean: kist inspect " + printable(operands.front()) + "?");
    std::optional<Template> layout;
    const bool json = o.format == "json";
    if (o.format && !o.format->empty() && !json) layout = Template::parse(*o.format, {.name = "info"});
    const Value document = engine::info(session.engine());
    if (json) print_json(document);
    else if (layout) print_line(layout->execute(document, {.missing_key = MissingKey::error}));
    else print_lines(document);
    return 0;
}

} // namespace

const Command info{.path = "system info",
                   .shortcut = "info",
                   .alias = "",
                   .summary = "Show numbers of containers and images, and what the host offers",
                   .usage = "",
                   .section = Section::system,
                   .operands = operands::any,
                   .options = facts_of<options>,
                   .run = show_info};

} // namespace kist::cli::command
