// SPDX-License-Identifier: Apache-2.0
// --health-…: field by field over the image's HEALTHCHECK, checked by the rules of SEEDS A086 to A106.
#include <limits>

#include "base/json.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/create_parts.hh"

namespace kist::engine {

namespace {

using storage::HealthAction;
using storage::HealthCheck;

constexpr std::int64_t shortest = 1'000'000; // ns, as Docker's
constexpr std::int64_t most_records = 100;
constexpr std::int64_t longest_output = 64 << 10;
constexpr std::int64_t most_retries = std::numeric_limits<std::int32_t>::max();

/// int64 nanoseconds; 0 is the default.
std::int64_t duration_of(std::string_view option, const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration)
        throw UsageError("invalid value '{}' for {}: it is a time such as 1m30s, at most {} ns", printable(text),
                         option, std::numeric_limits<std::int64_t>::max());
    const std::int64_t ns = duration->count();
    if (ns < 0) throw UsageError("invalid value '{}' for {}: it is negative", printable(text), option);
    if (ns > 0 && ns < shortest)
        throw UsageError("invalid value '{}' for {}: it is less than 1ms", printable(text), option);
    return ns;
}

std::int32_t count_of(std::string_view option, std::int64_t value, std::int64_t most) {
    if (value < 0 || value > most)
        throw UsageError("invalid value '{}' for {}: it is a number from 0 to {}", value, option, most);
    return static_cast<std::int32_t>(value);
}

/// A JSON list is the command itself (Podman), all else a line for the shell. Nothing: "none".
std::optional<std::vector<std::string>> parse_command(std::string_view option, const std::string& text) {
    if (text == "none") return std::nullopt;
    if (text.empty()) throw UsageError("invalid value '' for {}: it is a command", option);
    if (!text.starts_with('[')) return std::vector<std::string>{"CMD-SHELL", text};
    std::vector<std::string> words;
    try {
        words = from_value<std::vector<std::string>>(json::parse(text, option), option);
    } catch (const Error& error) {
        throw UsageError("invalid value '{}' for {}: {}", printable(text), option, error.message());
    }
    const bool has_kind = !words.empty() && (words.front() == "CMD" || words.front() == "CMD-SHELL");
    if (words.size() < (has_kind ? 2u : 1u))
        throw UsageError("invalid value '{}' for {}: it names no command", printable(text), option);
    if (!has_kind) words.insert(words.begin(), "CMD");
    return words;
}

/// The first of the options that only change a check, for the message that there is none to change.
std::string_view change_asked(const HealthOptions& o) {
    const std::pair<bool, std::string_view> all[] = {
        {o.health_interval.has_value(), "--health-interval"},
        {o.health_timeout.has_value(), "--health-timeout"},
        {o.health_start_period.has_value(), "--health-start-period"},
        {o.health_start_interval.has_value(), "--health-start-interval"},
        {o.health_retries.has_value(), "--health-retries"},
        {o.health_on_failure.has_value(), "--health-on-failure"},
        {o.health_exit_on_unhealthy.value_or(false), "--health-exit-on-unhealthy"},
        {o.health_max_log_count.has_value(), "--health-max-log-count"},
        {o.health_max_log_size.has_value(), "--health-max-log-size"},
        {o.health_startup_cmd.has_value(), "--health-startup-cmd"},
        {o.health_startup_interval.has_value(), "--health-startup-interval"},
        {o.health_startup_timeout.has_value(), "--health-startup-timeout"},
        {o.health_startup_retries.has_value(), "--health-startup-retries"},
        {o.health_startup_success.has_value(), "--health-startup-success"},
    };
    for (const auto& [given, name] : all)
        if (given) return name;
    return {};
}

void set_action(HealthCheck& check, const HealthOptions& o) {
    if (o.health_on_failure) {
        const auto action = named<HealthAction>(*o.health_on_failure);
        if (!action)
            throw UsageError("invalid value '{}' for --health-on-failure: it is none, kill, restart or stop",
                             printable(*o.health_on_failure));
        check.on_failure = *action;
    }
    if (!o.health_exit_on_unhealthy) return;
    const HealthAction asked = *o.health_exit_on_unhealthy ? HealthAction::kill : HealthAction::none;
    if (o.health_on_failure && check.on_failure != asked)
        throw UsageError("--health-exit-on-unhealthy and --health-on-failure {} exclude each other",
                         *o.health_on_failure);
    check.on_failure = asked;
}

void set_startup_command(HealthCheck& check, const std::string& text) {
    const auto command = parse_command("--health-startup-cmd", text);
    if (!command) return check.startup.reset();
    if (!check.startup) check.startup.emplace();
    auto& words = check.startup->command;
    words.clear();
    if (command->front() == "CMD-SHELL")
        words = check.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : check.shell;
    words.insert(words.end(), command->begin() + 1, command->end());
}

void set_startup(HealthCheck& check, const HealthOptions& o) {
    if (o.health_startup_cmd) set_startup_command(check, *o.health_startup_cmd);
    const bool changes =
        o.health_startup_interval || o.health_startup_timeout || o.health_startup_retries || o.health_startup_success;
    if (!changes) return;
    if (!check.startup) throw UsageError("the other --health-startup options need --health-startup-cmd");
    storage::StartupCheck& startup = *check.startup;
    if (o.health_startup_interval)
        startup.interval = duration_of("--health-startup-interval", *o.health_startup_interval);
    if (o.health_startup_timeout) startup.timeout = duration_of("--health-startup-timeout", *o.health_startup_timeout);
    if (o.health_startup_retries)
        startup.retries = count_of("--health-startup-retries", *o.health_startup_retries, most_retries);
    if (o.health_startup_success)
        startup.success = count_of("--health-startup-success", *o.health_startup_success, most_retries);
}

void set_times(HealthCheck& check, const HealthOptions& o) {
    if (o.health_interval) {
        check.scheduled = *o.health_interval != "disable"; // Podman's word for "only when asked"
        check.interval = check.scheduled ? duration_of("--health-interval", *o.health_interval) : 0;
    }
    if (o.health_timeout) check.timeout = duration_of("--health-timeout", *o.health_timeout);
    if (o.health_start_period) check.start_period = duration_of("--health-start-period", *o.health_start_period);
    if (o.health_start_interval)
        check.start_interval = duration_of("--health-start-interval", *o.health_start_interval);
    if (o.health_retries) check.retries = count_of("--health-retries", *o.health_retries, most_retries);
}

/// 0 is Podman's "without limit"; here it is the most that is kept.
void set_log(HealthCheck& check, const HealthOptions& o) {
    if (o.health_max_log_count) {
        const auto count = count_of("--health-max-log-count", *o.health_max_log_count, most_records);
        check.max_log_count = count == 0 ? static_cast<std::int32_t>(most_records) : count;
    }
    if (o.health_max_log_size) {
        const auto size = count_of("--health-max-log-size", *o.health_max_log_size, longest_output);
        check.max_log_size = size == 0 ? static_cast<std::int32_t>(longest_output) : size;
    }
}

void check_image_value(std::int64_t ns, std::string_view what, const storage::ImageRecord& image) {
    if (ns < 0 || (ns > 0 && ns < shortest))
        throw Error("the health check of image '{}': {} of {} ns is less than 1ms", image.id, what, ns);
}

/// "--interval=5s" of a HEALTHCHECK instruction.
void set_flag(HealthOptions& o, const std::string& flag) {
    const auto [name, value] = split_once(flag, '=');
    const std::string text = value.value_or("");
    if (name == "--interval") {
        o.health_interval = text;
    } else if (name == "--timeout") {
        o.health_timeout = text;
    } else if (name == "--start-period") {
        o.health_start_period = text;
    } else if (name == "--start-interval") {
        o.health_start_interval = text;
    } else if (name == "--retries") {
        const auto count = parse_unsigned(text, most_retries);
        if (!count) throw UsageError("invalid value '{}' for --retries of HEALTHCHECK", printable(text));
        o.health_retries = static_cast<std::int64_t>(*count);
    } else if (name == "--health-exit-on-unhealthy" && (!value || text == "true" || text == "false")) {
        o.health_exit_on_unhealthy = text != "false";
    } else {
        throw UsageError("unknown flag '{}' of HEALTHCHECK", printable(flag));
    }
}

} // namespace

oci::HealthConfig parse_healthcheck(const std::string& text) {
    HealthOptions o;
    std::string rest(trim(text));
    while (rest.starts_with("--")) {
        const auto [flag, after] = split_once(rest, ' ');
        set_flag(o, flag);
        rest = trim(after.value_or(""));
    }
    const auto [kind, command] = split_once(rest, ' ');
    const bool none = to_upper(kind) == "NONE";
    if (none ? command || !change_asked(o).empty() : to_upper(kind) != "CMD" || !command)
        throw UsageError("invalid HEALTHCHECK '{}': it is [FLAGS] CMD COMMAND, or NONE", printable(text));
    if (none) return {.test = {"NONE"}};
    o.health_cmd = std::string(trim(*command));
    if (*o.health_cmd == "none") o.health_cmd = R"(["CMD-SHELL","none"])"; // here it is a command like any other
    const auto check = plan_health({}, o);
    oci::HealthConfig result{.test = check->test};
    result.interval = check->interval;
    result.timeout = check->timeout;
    result.start_period = check->start_period;
    result.start_interval = check->start_interval;
    result.retries = check->retries;
    result.exit_on_unhealthy = check->on_failure == HealthAction::kill;
    return result;
}

std::optional<HealthCheck> image_health(const storage::ImageRecord& image) {
    const auto& asked = image.config.config.healthcheck;
    if (!asked || asked->test.empty() || asked->test.front() == "NONE") return std::nullopt;
    const bool known = asked->test.front() == "CMD" || asked->test.front() == "CMD-SHELL";
    if (!known || asked->test.size() < 2)
        throw Error("the health check of image '{}' is of the unknown kind '{}'", image.id,
                    printable(asked->test.front()))
            .with_hint("--no-healthcheck runs it without one");
    check_image_value(asked->interval, "its interval", image);
    check_image_value(asked->timeout, "its timeout", image);
    check_image_value(asked->start_period, "its start period", image);
    check_image_value(asked->start_interval, "its start interval", image);
    if (asked->retries < 0) throw Error("the health check of image '{}' has {} retries", image.id, asked->retries);
    HealthCheck check;
    check.test = asked->test;
    check.shell = image.config.config.shell;
    check.interval = asked->interval;
    check.timeout = asked->timeout;
    check.start_period = asked->start_period;
    check.start_interval = asked->start_interval;
    check.retries = asked->retries;
    if (asked->exit_on_unhealthy) check.on_failure = HealthAction::kill;
    return check;
}

std::optional<HealthCheck> plan_health(std::optional<HealthCheck> base, const HealthOptions& o) {
    const std::string_view change = change_asked(o);
    if (o.no_healthcheck) {
        if (o.health_cmd || !change.empty()) throw UsageError("--no-healthcheck conflicts with --health-* options");
        return std::nullopt;
    }
    if (o.health_cmd) {
        auto test = parse_command("--health-cmd", *o.health_cmd);
        if (!test && !change.empty()) throw UsageError("--health-cmd none conflicts with {}", change);
        if (!test) return std::nullopt;
        if (!base) base.emplace();
        base->test = std::move(*test);
    }
    if (!base) {
        if (!change.empty()) throw UsageError("{} needs --health-cmd: there is no health check to change", change);
        return std::nullopt;
    }
    set_times(*base, o);
    set_log(*base, o);
    set_action(*base, o);
    set_startup(*base, o);
    return base;
}

} // namespace kist::engine
