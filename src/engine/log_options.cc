// SPDX-License-Identifier: Apache-2.0
#include "engine/log_options.hh"

#include <algorithm>
#include <array>

#include "base/size.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "monitor/log_encode.hh"
#include "storage/event_log.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;

/// Which options a driver knows.
struct Driver {
    std::string_view name;
    std::vector<std::string> options;
};

const std::vector<Driver>& drivers() {
    static const std::vector<Driver> table = {
        {"json-file",
         {"max-size", "max-file", "max-age", "compress", "mode", "max-buffer-size", "labels", "env", "tag"}},
        {"k8s-file", {"max-size", "max-file", "max-age", "compress", "mode", "max-buffer-size"}},
        {"local", {"max-size", "max-file", "max-age", "compress", "mode", "max-buffer-size"}},
        {"journald", {"mode", "max-buffer-size", "labels", "env", "tag"}},
        {"syslog", {"mode", "max-buffer-size", "syslog-address", "tag"}},
        {"none", {"max-size", "max-file"}},
        {"passthrough", {}},
    };
    return table;
}

const Driver& find_driver(const std::string& name) {
    for (const Driver& driver : drivers())
        if (driver.name == name) return driver;
    throw UsageError("unknown log driver '{}': it is {}", printable(name), quoted_choice(log_drivers()));
}

std::string_view option_of(const ContainerConfig& config, const std::string& key) {
    const auto found = config.log_options.find(key);
    return found == config.log_options.end() ? std::string_view() : std::string_view(found->second);
}

/// unixgram:///dev/log is the path that is left of it.
std::optional<std::string> syslog_path(std::string_view address) {
    constexpr std::string_view scheme = "unixgram://";
    constexpr std::size_t longest = 107;
    if (!address.starts_with(scheme) || !address.substr(scheme.size()).starts_with('/')) return std::nullopt;
    std::string path(address.substr(scheme.size()));
    if (path.size() > longest) return std::nullopt;
    return path;
}

/// A duration, or days.
std::optional<std::chrono::nanoseconds> parse_age(std::string_view text) {
    constexpr std::uint64_t most_days = 36500;
    if (text.ends_with('d'))
        if (const auto days = parse_unsigned(text.substr(0, text.size() - 1), most_days))
            return std::chrono::hours(24 * *days);
    return parse_duration(text);
}

bool is_good(const std::string& key, const std::string& value, const ContainerConfig& config) {
    if (key == "max-size") {
        const auto bytes = parse_bytes(value);
        return value == "-1" || (bytes && *bytes > 0);
    }
    if (key == "max-age") return parse_age(value).value_or(std::chrono::nanoseconds(0)) >= std::chrono::seconds(1);
    if (key == "max-buffer-size") return parse_bytes(value).value_or(0) > 0;
    if (key == "compress") return value == "true" || value == "false";
    if (key == "mode") return value == "blocking" || value == "non-blocking";
    if (key == "max-file") return parse_unsigned(value, 10000).value_or(0) > 0;
    if (key == "syslog-address") return syslog_path(value).has_value();
    if (key == "tag") expand_log_tag(value, config);
    return true;
}

void check_option(const std::string& key, const std::string& value, const ContainerConfig& config) {
    const Driver& driver = find_driver(config.log_driver);
    if (std::find(driver.options.begin(), driver.options.end(), key) == driver.options.end()) {
        UsageError error("unknown log option '{}' for {} log driver", printable(key), config.log_driver);
        if (const auto near = nearest(key, driver.options); !near.empty())
            error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    }
    if (!is_good(key, value, config)) throw UsageError("invalid value '{}' for log option {}", printable(value), key);
}

int max_files_of(const ContainerConfig& config) {
    constexpr int usual = 3, usual_local = 5;
    const auto count = option_of(config, "max-file");
    if (count.empty()) return config.log_driver == "local" ? usual_local : usual;
    return static_cast<int>(parse_unsigned(count, 10000).value_or(usual));
}

std::int64_t max_size_of(const ContainerConfig& config) {
    constexpr std::int64_t usual = 10 << 20, usual_local = 20 << 20;
    const auto size = option_of(config, "max-size");
    if (size.empty()) return config.log_driver == "local" ? usual_local : usual;
    return size == "-1" ? -1 : parse_bytes(size).value_or(usual);
}

void check_together(const ContainerConfig& config) {
    const bool has_age = !option_of(config, "max-age").empty();
    if (!option_of(config, "max-buffer-size").empty() && option_of(config, "mode") != "non-blocking")
        throw UsageError("log option max-buffer-size is for mode=non-blocking");
    if (max_files_of(config) > 1) {
        if (option_of(config, "compress") == "true" && max_size_of(config) < 0 && !has_age)
            throw UsageError("log option compress needs files that are rotated: max-size=-1 says they are not");
        return;
    }
    for (const char* key : {"compress", "max-age"})
        if (const auto value = option_of(config, key); !value.empty() && value != "false")
            throw UsageError("log option {} is about rotated files: max-file=1 keeps none", key);
}

/// The labels and variables that are named, where the container has them, and the tag.
std::vector<std::pair<std::string, std::string>> attributes_of(const ContainerConfig& config) {
    std::vector<std::pair<std::string, std::string>> attributes;
    for (const std::string& name : split(option_of(config, "labels"), ','))
        if (const auto label = config.labels.find(name); label != config.labels.end())
            attributes.emplace_back(name, label->second);
    for (const std::string& name : split(option_of(config, "env"), ','))
        if (const auto value = env_value(config.env, name)) attributes.emplace_back(name, *value);
    if (const auto tag = option_of(config, "tag"); !tag.empty() && config.log_driver == "json-file")
        attributes.emplace_back("tag", expand_log_tag(std::string(tag), config));
    return attributes;
}

std::string attributes_text(const ContainerConfig& config) {
    const auto attributes = attributes_of(config);
    return storage::event_attributes({attributes.begin(), attributes.end()});
}

} // namespace

std::vector<std::string> log_drivers() {
    std::vector<std::string> names;
    for (const Driver& driver : drivers()) names.emplace_back(driver.name);
    return names;
}

std::string expand_log_tag(const std::string& tag, const ContainerConfig& config) {
    const std::string image_id = config.image_id.starts_with("sha256:") ? config.image_id.substr(7) : config.image_id;
    const std::pair<std::string_view, std::string> values[] = {{"{{.ID}}", config.id.substr(0, 12)},
                                                               {"{{.FullID}}", config.id},
                                                               {"{{.Name}}", config.name},
                                                               {"{{.ImageName}}", config.image_name},
                                                               {"{{.ImageID}}", image_id.substr(0, 12)},
                                                               {"{{.ImageFullID}}", image_id}};
    std::string text;
    for (std::size_t at = 0; at < tag.size();) {
        const auto known = std::find_if(std::begin(values), std::end(values), [&](const auto& value) {
            return std::string_view(tag).substr(at).starts_with(value.first);
        });
        if (known != std::end(values)) {
            text += known->second;
            at += known->first.size();
            continue;
        }
        if (tag.compare(at, 2, "{{") == 0)
            throw UsageError(
                "invalid value '{}' for log option tag: it may hold {{{{.ID}}}}, {{{{.FullID}}}}, {{{{.Name}}}}, "
                "{{{{.ImageName}}}}, {{{{.ImageID}}}} and {{{{.ImageFullID}}}}",
                printable(tag));
        if (static_cast<unsigned char>(tag[at]) < 0x20)
            throw UsageError("invalid value '{}' for log option tag", printable(tag));
        text += tag[at++];
    }
    return text;
}

void interpret_log(const CreateInput& in, ContainerConfig& config) {
    config.log_driver = in.options.log_driver.empty() ? in.host.log_driver : in.options.log_driver;
    find_driver(config.log_driver);
    if (config.log_driver == in.host.log_driver) config.log_options = in.host.log_opts;
    for (const std::string& text : in.options.log_opts) {
        const auto [key, value] = split_once(text, '=');
        if (!value) throw UsageError("invalid log option '{}': it is KEY=VALUE", printable(text));
        config.log_options[key] = *value;
    }
    for (const auto& [key, value] : config.log_options) check_option(key, value, config);
    check_together(config);
    if (config.log_driver == monitor::passthrough_driver && in.options.tty)
        throw UsageError("--tty and the log driver passthrough exclude each other");
    if (attributes_text(config).size() > monitor::max_log_attributes)
        throw UsageError("log options labels and env: more than {} bytes for every line", monitor::max_log_attributes);
}

bool has_log_file(const ContainerConfig& config) {
    return config.log_driver == "json-file" || config.log_driver == "k8s-file" || config.log_driver == "local";
}

bool passes_stdio(const ContainerConfig& config) { return config.log_driver == monitor::passthrough_driver; }

std::string log_file_name(const ContainerConfig& config) {
    if (config.log_driver == "local") return "container.log";
    return config.log_driver == "k8s-file" ? "ctr.log" : config.id + "-json.log";
}

monitor::LogConfig plan_log(const ContainerConfig& config, const std::string& path) {
    monitor::LogConfig log;
    log.driver = config.log_driver;
    log.path = path;
    if (config.log_driver == "syslog") log.path = syslog_path(option_of(config, "syslog-address")).value_or("/dev/log");
    log.max_size = max_size_of(config);
    log.max_files = max_files_of(config);
    const auto compress = option_of(config, "compress");
    log.compress = log.max_files > 1 && (compress == "true" || (compress.empty() && config.log_driver == "local"));
    if (const auto age = parse_age(option_of(config, "max-age"))) log.max_age = age->count();
    constexpr std::int64_t usual_buffer = 1 << 20;
    if (option_of(config, "mode") == "non-blocking")
        log.buffer_size = parse_bytes(option_of(config, "max-buffer-size")).value_or(usual_buffer);
    log.attributes = attributes_text(config);
    if (has_log_file(config) || config.log_driver == "none") return log;
    const auto tag = option_of(config, "tag");
    log.tag = expand_log_tag(tag.empty() ? "{{.ID}}" : std::string(tag), config);
    log.id = config.id;
    log.name = config.name;
    return log;
}

} // namespace kist::engine
