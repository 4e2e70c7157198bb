// SPDX-License-Identifier: Apache-2.0
// kist events: what happens to containers, images, volumes and networks, as it happens.
#include "engine/events.hh"

#include "base/error.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/format/template.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

struct Events : engine::EventQuery {
    std::optional<std::string> format;
    bool no_trunc = true;
};

constexpr auto options = sorted(std::to_array<Option<Events>>({
    {{"f,filter", "KEY=VALUE",
      "Only events that match: container, event, image, label, network, type, volume (repeatable)"},
     &Events::filters},
    {{"format", "FORMAT", "'json' (one object a line) or a template"}, &Events::format},
    {{"no-trunc", "", "Do not shorten IDs (default true)"}, &Events::no_trunc},
    {{"since", "TIME", "Also what has happened since then, as 10m or 2026-11-20T08:00:00Z"}, &Events::since},
    {{"stream", "", "Go on as more happens (default true)"}, &Events::stream},
    {{"until", "TIME", "Stop at that moment, as 10m or 2026-11-20T08:00:00Z"}, &Events::until},
}));

/// A command of an exec may hold anything; a line of output is one event.
std::string one_line(std::string_view text) {
    std::string line;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) line += fmt::format("\\x{:02x}", byte);
        else line += c;
    }
    return line;
}

std::string shown_id(const engine::EventRecord& event, bool no_trunc) {
    constexpr std::size_t short_length = 12;
    if (no_trunc) return event.id;
    if (const auto digest = Digest::parse(event.id)) return digest->short_id();
    return ContainerId::parse(event.id) ? event.id.substr(0, short_length) : event.id;
}

/// "2026-11-20T08:00:01.000000000Z container start 4f… (image=busybox, name=web)": always nine digits, so that columns align.
std::string to_line(const engine::EventRecord& event, bool no_trunc) {
    constexpr std::int64_t ns_per_second = 1'000'000'000;
    std::string time = to_rfc3339(Moment{event.time.ns / ns_per_second * ns_per_second});
    time.insert(time.size() - 1, fmt::format(".{:09}", event.time.ns % ns_per_second));
    std::vector<std::string> attributes;
    for (const auto& [name, value] : event.attributes) attributes.push_back(name + "=" + value);
    std::string line = fmt::format("{} {} {} {}", time, event.type, event.action, shown_id(event, no_trunc));
    if (!attributes.empty()) line += " (" + join(attributes, ", ") + ")";
    return one_line(line);
}

int show_events(Session& session) {
    Events o;
    parse_into(o, options, session);
    const bool as_json = o.format && (*o.format == "json" || *o.format == "{{json .}}");
    std::optional<Template> form;
    if (o.format && !o.format->empty() && !as_json)
        form = Template::parse(*o.format, {.name = "events", .escapes_in_text = true});
    engine::events(session.engine(), o, [&](engine::EventRecord event) {
        if (!o.no_trunc) event.id = shown_id(event, o.no_trunc);
        if (as_json) {
            print_line(json::dump(event.document()));
        } else if (form) {
            std::string text = form->execute(event.fields(), {.missing_key = MissingKey::error});
            print_line(text);
        } else {
            print_line(to_line(event, o.no_trunc));
        }
        return true;
    });
    return 0;
}

} // namespace

const Command events{.path = "system events",
                     .shortcut = "events",
                     .alias = "",
                     .summary = "Show what happens to containers, images, volumes and networks",
                     .usage = "",
                     .section = Section::system,
                     .operands = operands::none,
                     .options = facts_of<options>,
                     .run = show_events};

} // namespace kist::cli::command
