// SPDX-License-Identifier: Apache-2.0
// kist logs: what containers have written.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Logs : engine::LogOptions {
    bool latest = false;
    std::string tail_text = "all";
};

constexpr auto options = sorted(concat(
    std::to_array<Option<Logs>>({
        {{"color", "", "With --names: names in colour"}, &Logs::color},
        {{"details", "", "Put the attributes of each line before it: what --log-opt labels, env and tag ask for"},
         &Logs::details},
        {{"f,follow", "", "Go on as more is written"}, &Logs::follow},
        {{"names", "", "Put the container's name before each line"}, &Logs::names},
        {{"since", "TIME", "Only what is newer, as 10m or 2026-11-20T08:00:00Z"}, &Logs::since},
        {{"n,tail", "NUMBER", "Only the last lines (default all)"}, &Logs::tail_text},
        {{"t,timestamps", "", "Put the time before each line"}, &Logs::timestamps},
        {{"until", "TIME", "Only what is older, as 10m or 2026-11-20T08:00:00Z"}, &Logs::until},
    }),
    latest_option<Logs>()));

/// "all" and negative numbers mean everything, as Docker's.
std::int64_t parse_tail(const std::string& text) {
    if (text == "all") return -1;
    const std::optional<std::int64_t> number = parse_signed(text);
    if (!number) throw UsageError("invalid value '{}' for --tail: expected a whole number or 'all'", printable(text));
    return *number < 0 ? -1 : *number;
}

int show_logs(Session& session) {
    Logs o;
    const std::vector<std::string> names = parse_into(o, options, session);
    o.tail = parse_tail(o.tail_text);
    if (names.empty() && !o.latest) throw UsageError("'kist logs' needs at least 1 argument");
    std::vector<ContainerId> ids;
    if (o.latest) {
        ids.push_back(select_one(session, {.latest = o.latest, .names = names}));
    } else {
        for (const std::string& name : names) ids.push_back(session.engine().containers().find(name));
    }
    engine::logs(session.engine(), ids, o);
    return 0;
}

} // namespace

const Command logs{.path = "container logs",
                   .shortcut = "logs",
                   .alias = "",
                   .summary = "Show what containers have written",
                   .usage = "CONTAINER [CONTAINER...]",
                   .section = Section::container,
                   .completes = Completes::container,
                   .operands = operands::any,
                   .options = facts_of<options>,
                   .run = show_logs};

} // namespace kist::cli::command
