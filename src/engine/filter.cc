// SPDX-License-Identifier: Apache-2.0
// --filter KEY=VALUE of commands on containers. Filters of one key are alternatives, different keys must all hold, but
// every label= must hold (Docker's rules).
#include <algorithm>
#include <map>
#include <regex>

#include "base/text.hh"
#include "base/time.hh"
#include "engine/containers.hh"
#include "engine/create_parts.hh"
#include "engine/describe.hh"
#include "engine/networks.hh"
#include "engine/spec_plan.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;

namespace container_filter {

using Test = std::function<bool(const ContainerView&)>;
using Maker = Test (*)(Engine&, const std::string& value);

Test by_id(Engine&, const std::string& value) {
    if (is_lower_hex(value)) return [value](const ContainerView& view) { return view.config.id.starts_with(value); };
    std::regex pattern(value);
    return [pattern](const ContainerView& view) { return std::regex_search(view.config.id, pattern); };
}

Test by_name(Engine&, const std::string& value) {
    std::regex pattern(value);
    // Docker's names start with '/', and patterns are written so: both spellings are tried.
    return [pattern](const ContainerView& view) {
        return std::regex_search(view.config.name, pattern) || std::regex_search("/" + view.config.name, pattern);
    };
}

Test by_label(Engine&, const std::string& value) {
    auto [key, wanted] = split_once(value, '=');
    return [key = key, wanted = wanted](const ContainerView& view) {
        auto found = view.config.labels.find(key);
        return found != view.config.labels.end() && (!wanted || found->second == *wanted);
    };
}

Test by_no_label(Engine& engine, const std::string& value) {
    return [has = by_label(engine, value)](const ContainerView& view) { return !has(view); };
}

Test by_exit_code(Engine&, const std::string& value) {
    auto code = parse_signed(value);
    if (!code) throw UsageError("invalid filter 'exited={}': it is an exit code", printable(value));
    return [code = *code](const ContainerView& view) {
        return view.state.status == storage::Status::exited && view.state.exit_code == code;
    };
}

Test by_status(Engine&, const std::string& value) {
    static const std::vector<std::string> known = {"created",    "initialized", "running",  "paused",
                                                   "restarting", "exited",      "removing", "dead",
                                                   "corrupt",    "stopping",    "stopped"};
    if (std::find(known.begin(), known.end(), value) == known.end())
        throw UsageError("invalid filter 'status={}': it is {}", printable(value), quoted_choice(known));
    return [value](const ContainerView& view) {
        if (value == "stopping") return view.state.status == storage::Status::stopping;
        return state_word(view) == (value == "stopped" ? "exited" : value);
    };
}

Test by_ancestor(Engine& engine, const std::string& value) {
    std::vector<std::string> ids;
    if (auto image = engine.images().find(value)) {
        for (const auto& other : engine.images().all()) {
            bool above = image->chain_ids.size() <= other.chain_ids.size() &&
                         std::equal(image->chain_ids.begin(), image->chain_ids.end(), other.chain_ids.begin());
            if (other.id == image->id || (above && !image->chain_ids.empty())) ids.push_back(other.id);
        }
    }
    return [ids, value](const ContainerView& view) {
        return std::find(ids.begin(), ids.end(), view.config.image_id) != ids.end() || view.config.image_name == value;
    };
}

std::int64_t creation_of(Engine& engine, const std::string& value) {
    auto view = engine.containers().view(engine.containers().find(value));
    if (!view) throw NotFound("No such container: {}", printable(value));
    return view->config.created;
}

Test by_before(Engine& engine, const std::string& value) {
    return [moment = creation_of(engine, value)](const ContainerView& view) { return view.config.created < moment; };
}

Test by_since(Engine& engine, const std::string& value) {
    return [moment = creation_of(engine, value)](const ContainerView& view) { return view.config.created > moment; };
}

Test by_until(Engine&, const std::string& value) {
    return [moment = parse_when(value, Moment::now())](const ContainerView& view) {
        return view.config.created < moment.ns;
    };
}

Test by_volume(Engine&, const std::string& value) {
    return [value](const ContainerView& view) {
        return std::any_of(view.config.mounts.begin(), view.config.mounts.end(),
                           [&](const storage::MountConfig& mount) {
                               return mount.source == value || mount.destination == value ||
                                      (mount.type == "volume" && mount.name == value);
                           });
    };
}

Test by_network(Engine& engine, const std::string& value) {
    std::string wanted = value == "default" ? default_network_name : value;
    if (value.starts_with("container:")) wanted = "container:" + engine.containers().find(value.substr(10)).str();
    return [wanted](const ContainerView& view) {
        if (view.config.namespaces.network == wanted) return true;
        const auto networks = networks_of(view.config);
        return std::any_of(networks.begin(), networks.end(),
                           [&](const storage::NetworkChoice& choice) { return choice.name == wanted; });
    };
}

Test by_publish(Engine&, const std::string& value) {
    return [wanted = parse_exposed(value)](const ContainerView& view) {
        return std::any_of(view.config.ports.begin(), view.config.ports.end(), [&](const netns::PortMapping& port) {
            return port.protocol == wanted.protocol && wanted.container_port < port.container_port + port.count &&
                   port.container_port < wanted.container_port + wanted.count;
        });
    };
}

Test by_expose(Engine&, const std::string& value) {
    return [wanted = value.find('/') == value.npos ? value + "/tcp" : value](const ContainerView& view) {
        const auto& ports = view.config.exposed_ports;
        return std::find(ports.begin(), ports.end(), wanted) != ports.end();
    };
}

Test by_command(Engine&, const std::string& value) {
    return [value](const ContainerView& view) {
        auto args = process_args(view.config);
        return !args.empty() && (args.front() == value || command_text(view.config) == value);
    };
}

Test by_restart_policy(Engine&, const std::string& value) {
    const auto mode = named<storage::RestartMode>(value);
    if (!mode)
        throw UsageError("invalid filter 'restart-policy={}': it is no, on-failure, always or unless-stopped",
                         printable(value));
    return [mode = *mode](const ContainerView& view) { return view.config.restart.mode == mode; };
}

/// What Docker's daemon starts when it starts: those that ran once, and that their user has not stopped for good.
bool starts_on_boot(const ContainerView& view) {
    using Mode = storage::RestartMode;
    if (view.state.started_at == 0) return false;
    const Mode mode = view.config.restart.mode;
    return mode == Mode::always || (mode == Mode::unless_stopped && !view.state.stopped_by_user);
}

Test by_boot(Engine&, const std::string& value) {
    if (value != "true" && value != "false")
        throw UsageError("invalid filter 'should-start-on-boot={}': it is true or false", printable(value));
    return [wanted = value == "true"](const ContainerView& view) { return starts_on_boot(view) == wanted; };
}

Test by_health(Engine&, const std::string& value) {
    const auto health = named<storage::Health>(value);
    if (!health)
        throw UsageError("invalid filter 'health={}': it is none, starting, healthy or unhealthy", printable(value));
    return [health = *health](const ContainerView& view) { return view.state.health == health; };
}

struct Filter {
    std::string_view key;
    Maker make;
    bool all_must_hold = false;
};
constexpr Filter table[] = {
    {"id", by_id},
    {"name", by_name},
    {"label", by_label, true},
    {"label!", by_no_label, true},
    {"exited", by_exit_code},
    {"status", by_status},
    {"ancestor", by_ancestor},
    {"before", by_before},
    {"since", by_since},
    {"until", by_until},
    {"volume", by_volume},
    {"network", by_network},
    {"expose", by_expose},
    {"command", by_command},
    {"restart-policy", by_restart_policy},
    {"should-start-on-boot", by_boot},
    {"health", by_health},
    {"publish", by_publish},
};

const Filter& find_filter(const std::string& key) {
    for (const Filter& filter : table)
        if (filter.key == key) return filter;
    std::vector<std::string> known;
    for (const Filter& filter : table) known.emplace_back(filter.key);
    UsageError error("invalid filter '{}'", printable(key));
    auto near = nearest(key, known);
    error.with_hint(near.empty() ? "filters are " + quoted_choice(known) : "did you mean " + quoted_choice(near) + "?");
    throw error;
}

} // namespace container_filter

} // namespace

ContainerFilter ContainerFilter::parse(Engine& engine, const std::vector<std::string>& filters) {
    using namespace container_filter;
    ContainerFilter result;
    std::map<std::string, std::vector<Test>> alternatives;
    for (const std::string& text : filters) {
        auto [key, value] = split_once(text, '=');
        if (!value) throw UsageError("invalid filter '{}': it is KEY=VALUE", printable(text));
        const Filter& filter = find_filter(key);
        try {
            Test test = filter.make(engine, *value);
            if (filter.all_must_hold) result.tests_.push_back(std::move(test));
            else alternatives[key].push_back(std::move(test));
        } catch (const std::regex_error&) {
            throw UsageError("invalid filter '{}': not a regular expression", printable(text));
        }
    }
    for (auto& [key, tests] : alternatives)
        result.tests_.push_back([tests](const ContainerView& view) {
            return std::any_of(tests.begin(), tests.end(), [&](const Test& test) { return test(view); });
        });
    return result;
}

bool ContainerFilter::matches(const ContainerView& view) const {
    return std::all_of(tests_.begin(), tests_.end(), [&](const auto& test) { return test(view); });
}

} // namespace kist::engine
