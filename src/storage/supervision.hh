// SPDX-License-Identifier: Apache-2.0
// What a container's monitor is asked to do beside holding it: to start it again, and to look after its health.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fields.hh"

namespace kist::storage {

enum class RestartMode { no, on_failure, always, unless_stopped };
constexpr auto names_of(RestartMode) {
    using M = RestartMode;
    return std::to_array<std::pair<RestartMode, std::string_view>>(
        {{M::no, "no"}, {M::on_failure, "on-failure"}, {M::always, "always"}, {M::unless_stopped, "unless-stopped"}});
}

struct RestartPolicy {
    RestartMode mode = RestartMode::no;
    std::int32_t max_retries = 0; ///< of on-failure; 0: no limit
    bool operator==(const RestartPolicy&) const = default;
    static constexpr void fields(auto&& field) {
        field("mode", &RestartPolicy::mode);
        field("max_retries", &RestartPolicy::max_retries);
    }
};

/// Who tells the service manager (sd_notify(3)) that a container is ready: the container itself; the monitor, once it runs or once
/// it is healthy; nobody.
enum class NotifyMode { container, conmon, healthy, ignore };
constexpr auto names_of(NotifyMode) {
    using M = NotifyMode;
    return std::to_array<std::pair<NotifyMode, std::string_view>>(
        {{M::container, "container"}, {M::conmon, "conmon"}, {M::healthy, "healthy"}, {M::ignore, "ignore"}});
}

struct NotifyConfig {
    NotifyMode mode = NotifyMode::ignore;
    std::string socket; ///< the manager's: a path, or an abstract name with '@' in front; empty: there is none
    bool operator==(const NotifyConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("mode", &NotifyConfig::mode);
        field("socket", &NotifyConfig::socket);
    }
};

/// What follows when a container becomes unhealthy.
enum class HealthAction { none, kill, restart, stop };
constexpr auto names_of(HealthAction) {
    using A = HealthAction;
    return std::to_array<std::pair<HealthAction, std::string_view>>(
        {{A::none, "none"}, {A::kill, "kill"}, {A::restart, "restart"}, {A::stop, "stop"}});
}

/// Until it has succeeded, the health check proper waits (Podman's startup check).
struct StartupCheck {
    std::vector<std::string> command;       ///< the arguments of the process
    std::int64_t interval = 0, timeout = 0; ///< ns; 0: the default
    std::int32_t retries = 0;               ///< failures after which the container is restarted; 0: never
    std::int32_t success = 0;               ///< successes in a row that it takes; 0: one
    bool operator==(const StartupCheck&) const = default;
    static constexpr void fields(auto&& field) {
        field("command", &StartupCheck::command, required);
        field("interval", &StartupCheck::interval);
        field("timeout", &StartupCheck::timeout);
        field("retries", &StartupCheck::retries);
        field("success", &StartupCheck::success);
    }
};

/// Of a container that has one. Durations in ns; 0 is the default (SEEDS A106).
struct HealthCheck {
    std::vector<std::string> test;  ///< as Docker writes it: "CMD" and the arguments, or "CMD-SHELL" and a line
    std::vector<std::string> shell; ///< of CMD-SHELL; empty: /bin/sh -c
    std::int64_t interval = 0, timeout = 0, start_period = 0, start_interval = 0;
    std::int32_t retries = 0;
    bool scheduled = true; ///< false: only `healthcheck run` checks (--health-interval disable)
    HealthAction on_failure = HealthAction::none;
    std::int32_t max_log_count = 5;
    std::int32_t max_log_size = 4096;
    std::optional<StartupCheck> startup;
    bool operator==(const HealthCheck&) const = default;
    static constexpr void fields(auto&& field) {
        field("test", &HealthCheck::test, required);
        field("shell", &HealthCheck::shell);
        field("interval", &HealthCheck::interval);
        field("timeout", &HealthCheck::timeout);
        field("start_period", &HealthCheck::start_period);
        field("start_interval", &HealthCheck::start_interval);
        field("retries", &HealthCheck::retries);
        field("scheduled", &HealthCheck::scheduled);
        field("on_failure", &HealthCheck::on_failure);
        field("max_log_count", &HealthCheck::max_log_count);
        field("max_log_size", &HealthCheck::max_log_size);
        field("startup", &HealthCheck::startup);
    }
};

enum class Health { none, starting, healthy, unhealthy };
constexpr auto names_of(Health) {
    using H = Health;
    return std::to_array<std::pair<Health, std::string_view>>(
        {{H::none, "none"}, {H::starting, "starting"}, {H::healthy, "healthy"}, {H::unhealthy, "unhealthy"}});
}

/// One check that was made.
struct HealthRecord {
    std::int64_t start = 0, end = 0; ///< ns since 1970
    int exit_code = 0;               ///< -1: it took too long
    std::string output;
    bool operator==(const HealthRecord&) const = default;
    static constexpr void fields(auto&& field) {
        field("start", &HealthRecord::start);
        field("end", &HealthRecord::end);
        field("exit_code", &HealthRecord::exit_code);
        field("output", &HealthRecord::output);
    }
};

/// health.json in the run folder, written by the monitor after each check. The status itself is in state.json too, so that
/// ps need not read the records.
struct HealthLog {
    int schema = 1;
    std::int32_t failing_streak = 0;
    std::vector<HealthRecord> records; ///< oldest first
    bool operator==(const HealthLog&) const = default;
    static constexpr void fields(auto&& field) {
        field("schema", &HealthLog::schema, required);
        field("failing_streak", &HealthLog::failing_streak);
        field("records", &HealthLog::records);
    }
};

/// The text of health.json. Parsing throws Error that names `where`.
std::string dump_health(const HealthLog&);
HealthLog parse_health(std::string_view text, std::string_view where);

/// How a hook ended.
struct HookRecord {
    std::string name; ///< "prestart[0] '/path'"
    int exit_code = 0;
    bool timed_out = false;
    std::int64_t milliseconds = 0;
    std::string error; ///< what it wrote to standard error
    bool operator==(const HookRecord&) const = default;
    static constexpr void fields(auto&& field) {
        field("name", &HookRecord::name);
        field("exit_code", &HookRecord::exit_code);
        field("timed_out", &HookRecord::timed_out);
        field("milliseconds", &HookRecord::milliseconds);
        field("error", &HookRecord::error);
    }
};

} // namespace kist::storage
