// SPDX-License-Identifier: Apache-2.0
// Health in the inspect document: what was asked for (.Config.Healthcheck) and what was found (.State.Health).
#include "base/time.hh"
#include "engine/inspect_parts.hh"

namespace kist::engine {

namespace {

constexpr std::size_t log_limit = 16u << 20;

Value record_value(const storage::HealthRecord& record) {
    Value value = Value::object();
    value.set("Start", to_rfc3339({record.start}));
    value.set("End", to_rfc3339({record.end}));
    value.set("ExitCode", record.exit_code);
    value.set("Output", record.output);
    return value;
}

storage::HealthLog read_log(Engine& engine, const std::string& id) {
    const Dir run = engine.containers().run_dir(*ContainerId::parse(id));
    const auto text = read_file_if_exists(run, "health.json", log_limit);
    return text ? storage::parse_health(*text, run.path_of("health.json")) : storage::HealthLog{};
}

} // namespace

Value health_value(Engine& engine, const storage::ContainerView& view) {
    Value records = Value::list();
    Value value = Value::object();
    value.set("Status", std::string(name_of(view.state.health)));
    storage::HealthLog log;
    try {
        log = read_log(engine, view.config.id);
    } catch (const Error&) { // a damaged log is no reason to show nothing of the container
    }
    for (const storage::HealthRecord& record : log.records) records.push(record_value(record));
    value.set("FailingStreak", log.failing_streak);
    value.set("Log", std::move(records));
    return value;
}

Value healthcheck_value(const storage::HealthCheck& check) {
    Value value = Value::object();
    value.set("Test", list_value(check.test));
    value.set("Interval", check.interval);
    value.set("Timeout", check.timeout);
    value.set("StartPeriod", check.start_period);
    value.set("StartInterval", check.start_interval);
    value.set("Retries", check.retries);
    return value;
}

Value startup_check_value(const storage::StartupCheck& check) {
    Value value = Value::object();
    std::vector<std::string> test = {"CMD"};
    test.insert(test.end(), check.command.begin(), check.command.end());
    value.set("Test", list_value(test));
    value.set("Interval", check.interval);
    value.set("Timeout", check.timeout);
    value.set("Retries", check.retries);
    value.set("Successes", check.success);
    return value;
}

} // namespace kist::engine
