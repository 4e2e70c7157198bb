// SPDX-License-Identifier: Apache-2.0
// --filter of events: Docker's keys, and Podman's names of actions beside Docker's.
#include <algorithm>
#include <array>

#include "base/text.hh"
#include "engine/events.hh"

namespace kist::engine {

namespace {

namespace event_filter {

using Test = std::function<bool(const EventRecord&)>;

/// "exec_start: sh" is an exec_start.
bool is_action(std::string_view action, std::string_view word) {
    return action.starts_with(word) && (action.size() == word.size() || action[word.size()] == ':');
}

/// What Podman calls it. An image's removal has two names in Docker as well.
bool has_action(const EventRecord& event, std::string_view word) {
    constexpr auto other_names =
        std::to_array<std::pair<std::string_view, std::string_view>>({{"died", "die"},
                                                                      {"exec", "exec_start"},
                                                                      {"exec_died", "exec_die"},
                                                                      {"remove", "destroy"},
                                                                      {"remove", "delete"},
                                                                      {"delete", "destroy"},
                                                                      {"loadfromarchive", "load"}});
    if (is_action(event.action, word)) return true;
    return std::any_of(other_names.begin(), other_names.end(),
                       [&](const auto& names) { return names.first == word && is_action(event.action, names.second); });
}

bool is_named(const EventRecord& event, const std::string& value) {
    const std::string* name = event.attribute("name");
    const std::string_view bare = value.starts_with('/') ? std::string_view(value).substr(1) : std::string_view(value);
    return event.id.starts_with(value) || (name != nullptr && *name == bare);
}

/// Something of that type itself, or an event that names one (a network's connect names the container).
Test by_object(const char* type, const std::string& value) {
    return [type, value](const EventRecord& event) {
        if (event.type == type) return is_named(event, value);
        const std::string* named = event.attribute(type);
        return named != nullptr && (*named == value || (event.type == "network" && named->starts_with(value)));
    };
}
Test by_container(const std::string& value) { return by_object("container", value); }
Test by_network(const std::string& value) { return by_object("network", value); }
Test by_volume(const std::string& value) { return by_object("volume", value); }

/// "busybox" means any tag of it.
Test by_image(const std::string& value) {
    const std::string id = is_lower_hex(value) ? "sha256:" + value : value;
    return [value, id](const EventRecord& event) {
        const bool itself = event.type == "image";
        if (itself && event.id.starts_with(id)) return true;
        const std::string* name = event.attribute(itself ? "name" : "image");
        if (name == nullptr || (!itself && event.type != "container")) return false;
        if (*name == value) return true;
        const auto end = name->rfind(':');
        return end != std::string::npos && name->find('/', end) == std::string::npos &&
               name->compare(0, end, value) == 0;
    };
}

Test by_action(const std::string& value) {
    return [value](const EventRecord& event) { return has_action(event, value); };
}

Test by_type(const std::string& value) {
    return [value](const EventRecord& event) { return event.type == value; };
}

Test by_label(const std::string& value) {
    auto [key, wanted] = split_once(value, '=');
    return [key = key, wanted = wanted](const EventRecord& event) {
        const std::string* found = event.attribute(key);
        return found != nullptr && (!wanted || *found == *wanted);
    };
}

struct Filter {
    std::string_view key;
    Test (*make)(const std::string& value);
    bool all_must_hold = false;
};
constexpr Filter table[] = {{"container", by_container}, {"event", by_action},    {"image", by_image},
                            {"label", by_label, true},   {"network", by_network}, {"type", by_type},
                            {"volume", by_volume}};

const Filter& find_filter(const std::string& key) {
    for (const Filter& filter : table)
        if (filter.key == key) return filter;
    std::vector<std::string> known;
    for (const Filter& filter : table) known.emplace_back(filter.key);
    UsageError error("invalid filter '{}'", printable(key));
    const auto near = nearest(key, known);
    error.with_hint(near.empty() ? "filters are " + quoted_choice(known) : "did you mean " + quoted_choice(near) + "?");
    throw error;
}

} // namespace event_filter

} // namespace

EventFilter EventFilter::parse(const std::vector<std::string>& filters) {
    using namespace event_filter;
    EventFilter result;
    std::map<std::string, std::vector<Test>> alternatives;
    for (const std::string& text : filters) {
        const auto [key, value] = split_once(text, '=');
        if (!value) throw UsageError("invalid filter '{}': it is KEY=VALUE", printable(text));
        const Filter& filter = find_filter(key);
        if (filter.all_must_hold) result.tests_.push_back(filter.make(*value));
        else alternatives[key].push_back(filter.make(*value));
    }
    for (auto& [key, tests] : alternatives)
        result.tests_.push_back([tests = std::move(tests)](const EventRecord& event) {
            return std::any_of(tests.begin(), tests.end(), [&](const Test& test) { return test(event); });
        });
    return result;
}

bool EventFilter::matches(const EventRecord& event) const {
    return std::all_of(tests_.begin(), tests_.end(), [&](const auto& test) { return test(event); });
}

} // namespace kist::engine
