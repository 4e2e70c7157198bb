// SPDX-License-Identifier: Apache-2.0
// kist system check: is everything on disk as it should be?
#include "base/error.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/check.hh"

namespace kist::cli::command {
namespace {

struct Check : engine::CheckOptions {
    bool json = false;
    std::string max;
};

constexpr auto options = std::to_array<Option<Check>>({
    {{"f,force", "", "Repair, and remove containers that are damaged or use what is"}, &Check::force},
    {{"json", "", "Print one JSON document"}, &Check::json},
    {{"m,max", "TIME", "Let layers be that nothing uses and that are younger, as 24h (default 0)"}, &Check::max},
    {{"q,quick", "", "Do not read the contents of layers"}, &Check::quick},
    {{"r,repair", "", "Mend what can be mended"}, &Check::repair},
});

std::string_view outcome(const engine::Problem& problem) {
    if (problem.repaired) return "repaired";
    return problem.repairable ? "repairable" : "not repairable";
}

void print_document(const engine::CheckReport& report) {
    Value document = Value::object(), counts = Value::object(), problems = Value::list();
    for (const auto& [kind, count] : report.counts) counts.set(kind, count);
    for (const engine::Problem& problem : report.problems) {
        Value one = Value::object();
        one.set("Kind", problem.kind);
        one.set("Object", problem.object);
        one.set("Problem", problem.what);
        one.set("Advice", problem.advice);
        one.set("Repairable", problem.repairable);
        one.set("Repaired", problem.repaired);
        problems.push(std::move(one));
    }
    document.set("Checked", std::move(counts));
    document.set("Problems", std::move(problems));
    print_json(document);
}

void print_lines(const engine::CheckReport& report) {
    for (const engine::Problem& problem : report.problems) {
        std::string line = problem.kind + " '" + printable(problem.object) + "': " + problem.what + " (" +
                           std::string(outcome(problem)) + ")";
        if (!problem.advice.empty()) line += "; " + problem.advice;
        print_line(line);
    }
    std::vector<std::string> counts;
    for (const auto& [kind, count] : report.counts) counts.push_back(std::to_string(count) + " " + kind);
    print_line("checked: " + (counts.empty() ? "nothing is here" : join(counts, ", ")));
}

std::chrono::nanoseconds age(const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration || duration->count() < 0)
        throw UsageError("invalid value '{}' for --max: it is a time, as 24h or 90m", printable(text));
    return *duration;
}

int check_system(Session& session) {
    Check o;
    parse_into(o, options, session);
    if (!o.max.empty()) o.unused_for = age(o.max);
    o.repair = o.repair || o.force;
    const engine::CheckReport report = engine::check_system(session.engine(), o);
    if (o.json) print_document(report);
    else print_lines(report);
    for (const engine::Problem& problem : report.problems)
        if (!problem.repaired) return static_cast<int>(ExitCode::failure);
    return 0;
}

} // namespace

const Command system_check{.path = "system check",
                           .shortcut = "",
                           .alias = "",
                           .summary = "Check everything on disk, and mend it",
                           .usage = "",
                           .section = Section::system,
                           .operands = operands::none,
                           .options = facts_of<options>,
                           .run = check_system};

} // namespace kist::cli::command
