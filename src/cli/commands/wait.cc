// SPDX-License-Identifier: Apache-2.0
// kist wait: blocks until containers have exited, or another condition holds, and prints their exit codes.
#include <array>
#include <chrono>
#include <utility>

#include "base/error.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Wait : Selection {
    std::vector<std::string> conditions;
    std::string interval = "1s";
};

constexpr auto options = sorted(concat(
    std::to_array<Option<Wait>>({
        {{"condition", "STATE", "Wait for this state instead (default stopped) (repeatable)", Completes::words,
          "configured|created|exited|healthy|paused|removed|running|stopped|unhealthy"},
         &Wait::conditions},
        {{"ignore", "", "No error for a container that does not exist"}, &Wait::ignore},
        {{"i,interval", "TIME", "Look at least this often; changes are seen at once (default 1s)"}, &Wait::interval},
    }),
    latest_option<Wait>()));

using engine::WaitFor;
constexpr auto condition_names = std::to_array<std::pair<std::string_view, WaitFor>>({
    {"stopped", WaitFor::stopped},
    {"not-running", WaitFor::stopped},
    {"next-exit", WaitFor::exited},
    {"exited", WaitFor::exited},
    {"running", WaitFor::running},
    {"removed", WaitFor::removed},
    {"removing", WaitFor::removed},
    {"created", WaitFor::created},
    {"paused", WaitFor::paused},
    {"configured", WaitFor::configured},
    {"initialized", WaitFor::initialized},
    {"healthy", WaitFor::healthy},
    {"unhealthy", WaitFor::unhealthy},
});

WaitFor parse_condition(const std::string& text) {
    std::vector<std::string> names;
    for (const auto& [name, condition] : condition_names) {
        if (name == text) return condition;
        names.emplace_back(name);
    }
    throw UsageError("invalid value '{}' for --condition: expected {}", printable(text), quoted_choice(names));
}

/// A duration or, as Podman takes it, a number of milliseconds.
std::chrono::milliseconds parse_interval(const std::string& text) {
    using namespace std::chrono;
    const auto number = parse_unsigned(text, 86'400'000);
    const auto interval =
        number ? milliseconds(*number) : duration_cast<milliseconds>(parse_duration(text).value_or(-1ns));
    if (interval < 1ms || interval > 24h)
        throw UsageError("invalid value '{}' for --interval: expected a time such as 250ms", printable(text));
    return interval;
}

int wait_for_containers(Session& session) {
    Wait o;
    o.names = parse_into(o, options, session);
    const auto interval = parse_interval(o.interval);
    std::vector<WaitFor> conditions;
    for (const std::string& text : o.conditions) conditions.push_back(parse_condition(text));
    if (conditions.empty()) conditions.push_back(WaitFor::stopped);
    return for_each_selected(
        session, o, [](storage::Status) { return true; },
        [&](engine::Engine& engine, const Selected& container) {
            print_line(std::to_string(engine::wait(engine, container.id, conditions, interval)));
        });
}

} // namespace

const Command wait{.path = "container wait",
                   .shortcut = "wait",
                   .alias = "",
                   .summary = "Wait until containers have exited, then print their exit codes",
                   .usage = "CONTAINER [CONTAINER...]",
                   .section = Section::container,
                   .completes = Completes::running_container,
                   .operands = operands::any,
                   .options = facts_of<options>,
                   .run = wait_for_containers};

} // namespace kist::cli::command
