// SPDX-License-Identifier: Apache-2.0
// kist stats: a table of what containers use, renewed until it is interrupted.
#include "engine/stats.hh"

#include <chrono>
#include <thread>

#include <unistd.h>

#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/format/listing.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"

namespace kist::cli::command {
namespace {

struct Stats {
    bool all = false, latest = false, no_reset = false, no_stream = false, no_trunc = false;
    int interval = 1;
    std::optional<std::string> format;
};

constexpr auto options =
    sorted(concat(std::to_array<Option<Stats>>({
                      {{"a,all", "", "Also containers that do not run"}, &Stats::all},
                      {{"format", "FORMAT", "'json', 'table', 'table TEMPLATE' or a template"}, &Stats::format},
                      {{"i,interval", "SECONDS", "Time between two looks (default 1)"}, &Stats::interval},
                      {{"no-reset", "", "Do not clear the screen before each table"}, &Stats::no_reset},
                      {{"no-stream", "", "Print one table and exit"}, &Stats::no_stream},
                      {{"no-trunc", "", "Do not shorten IDs"}, &Stats::no_trunc},
                  }),
                  latest_option<Stats>()));

constexpr auto columns =
    std::to_array<Column>({{"ID", "CONTAINER ID", true},    {"Name", "NAME", true},
                           {"CPUPerc", "CPU %", true},      {"MemUsage", "MEM USAGE / LIMIT", true},
                           {"MemPerc", "MEM %", true},      {"NetIO", "NET I/O", true},
                           {"BlockIO", "BLOCK I/O", true},  {"PIDs", "PIDS", true},
                           {"Container", "CONTAINER"},      {"AvgCPU", "AVG CPU %"},
                           {"CPUNano", "CPU NANO"},         {"SystemNano", "SYSTEM NANO"},
                           {"MemUsageBytes", "MEM USAGE"},  {"MemLimit", "MEM LIMIT"},
                           {"MemPeak", "MEM PEAK"},         {"NetInput", "NET INPUT"},
                           {"NetOutput", "NET OUTPUT"},     {"BlockInput", "BLOCK INPUT"},
                           {"BlockOutput", "BLOCK OUTPUT"}, {"UpTime", "UP TIME"}});

engine::StatsOptions what_to_watch(Session& session, const Stats& o, const std::vector<std::string>& names) {
    engine::StatsOptions watch{.ids = {}, .all = o.all, .no_trunc = o.no_trunc};
    if (o.all && (o.latest || !names.empty())) throw UsageError("--all and containers exclude each other");
    if (o.latest) watch.ids.push_back(select_one(session, {.latest = true, .names = names}));
    for (const std::string& name : names) watch.ids.push_back(session.engine().containers().find(name));
    return watch;
}

/// Over the last table, so that it does not flicker; each line erases what was right of it, and the end what was below.
std::string over_the_last(const std::string& table) {
    std::string text = "\x1b[H";
    for (const char c : table) {
        if (c == '\n') text += "\x1b[K";
        text += c;
    }
    return text + "\x1b[J";
}

int show_stats(Session& session) {
    Stats o;
    const std::vector<std::string> names = parse_into(o, options, session);
    if (o.interval < 1)
        throw UsageError("invalid value '{}' for --interval: it is a number of seconds from 1 on", o.interval);
    const Listing listing("stats", columns, {.format = o.format});
    engine::StatsWatch watch(session.engine(), what_to_watch(session, o, names));
    const auto render = [&] {
        std::vector<Row> rows;
        for (Value& row : watch.look()) rows.push_back({.fields = std::move(row)});
        return rows;
    };
    // A rate needs two looks, and nobody waits a second for the first one.
    constexpr auto first_rate = std::chrono::milliseconds(200);
    if (!render().empty()) std::this_thread::sleep_for(first_rate);
    const bool redraws = !o.no_stream && !o.no_reset && !o.format && ::isatty(STDOUT_FILENO) != 0;
    if (redraws) print("\x1b[2J");
    for (;;) {
        const std::vector<Row> rows = render();
        const std::string table = listing.render(rows);
        print(redraws ? over_the_last(table) : table);
        const bool named_ones_are_gone = rows.empty() && (o.latest || !names.empty());
        if (o.no_stream || named_ones_are_gone) return 0;
        std::this_thread::sleep_for(std::chrono::seconds(o.interval));
    }
}

} // namespace

const Command stats{.path = "container stats",
                    .shortcut = "stats",
                    .alias = "",
                    .summary = "Show what containers use of the host, as it changes",
                    .usage = "[CONTAINER...]",
                    .section = Section::container,
                    .completes = Completes::running_container,
                    .operands = operands::any,
                    .options = facts_of<options>,
                    .run = show_stats};

} // namespace kist::cli::command
