// SPDX-License-Identifier: Apache-2.0
// What the monitor is asked to do beside holding the container: --restart; create_health.cc has --health-….
#include <limits>

#include "base/text.hh"
#include "engine/create_parts.hh"

namespace kist::engine {

storage::RestartPolicy parse_restart_policy(const std::string& text) {
    using Mode = storage::RestartMode;
    storage::RestartPolicy policy;
    if (text.empty()) return policy;
    const auto [name, count] = split_once(text, ':');
    const auto mode = named<Mode>(name);
    if (!mode)
        throw UsageError("invalid restart policy '{}': it is no, on-failure[:N], always or unless-stopped",
                         printable(text));
    policy.mode = *mode;
    if (!count) return policy;
    if (policy.mode != Mode::on_failure)
        throw UsageError("invalid restart policy '{}': only on-failure takes a number of retries", printable(text));
    const auto retries = parse_unsigned(*count, std::numeric_limits<std::int32_t>::max());
    if (!retries)
        throw UsageError("invalid restart policy '{}': '{}' is no number of retries", printable(text),
                         printable(*count));
    policy.max_retries = static_cast<std::int32_t>(*retries);
    return policy;
}

namespace {

storage::NotifyMode parse_notify_mode(const std::string& text) {
    if (text.empty()) return storage::NotifyMode::container;
    if (const auto mode = named<storage::NotifyMode>(text)) return *mode;
    throw UsageError("invalid value '{}' for --sdnotify: it is container, conmon, healthy or ignore", printable(text));
}

} // namespace

void interpret_supervision(const CreateInput& in, storage::ContainerConfig& config) {
    config.restart = parse_restart_policy(in.options.restart);
    if (config.auto_remove && config.restart.mode != storage::RestartMode::no)
        throw UsageError("--rm and --restart {} exclude each other", in.options.restart);
    config.sdnotify = parse_notify_mode(in.options.sdnotify);
    // With --no-healthcheck an image's is not even looked at: it may be the reason for the option.
    config.health = plan_health(in.options.no_healthcheck ? std::nullopt : image_health(in.image), in.options);
    const bool restarts = config.health && (config.health->on_failure == storage::HealthAction::restart ||
                                            (config.health->startup && config.health->startup->retries > 0));
    if (config.sdnotify == storage::NotifyMode::healthy && !config.health)
        throw UsageError("--sdnotify healthy needs a health check").with_hint("add --health-cmd");
    if (config.auto_remove && restarts) throw UsageError("--rm and a health check that restarts exclude each other");
}

} // namespace kist::engine
