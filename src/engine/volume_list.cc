// SPDX-License-Identifier: Apache-2.0
// volume ls and inspect: what is there, who uses it, and the filters that both and prune share.
#include <algorithm>
#include <map>
#include <regex>

#include "base/text.hh"
#include "base/time.hh"
#include "engine/describe.hh"
#include "engine/inspect_parts.hh"
#include "engine/volume_source.hh"
#include "engine/volumes.hh"

namespace kist::engine {

namespace {

using storage::VolumeRecord;

namespace volume_filter {

using Test = std::function<bool(const VolumeView&)>;
using Maker = Test (*)(Engine&, const std::string& value);

bool parse_bool(const char* key, const std::string& value) {
    const std::string word = to_lower(value);
    if (word == "true" || word == "1") return true;
    if (word == "false" || word == "0") return false;
    throw UsageError("invalid filter '{}={}': expected true or false", key, printable(value));
}

Test by_pair(const std::map<std::string, std::string> VolumeRecord::*pairs, const std::string& text) {
    auto [key, wanted] = split_once(text, '=');
    return [pairs, key = key, wanted = wanted](const VolumeView& view) {
        const auto found = (view.record.*pairs).find(key);
        return found != (view.record.*pairs).end() && (!wanted || found->second == *wanted);
    };
}

Test by_label(Engine&, const std::string& value) { return by_pair(&VolumeRecord::labels, value); }
Test by_no_label(Engine&, const std::string& value) {
    return [has = by_pair(&VolumeRecord::labels, value)](const VolumeView& view) { return !has(view); };
}
Test by_option(Engine&, const std::string& value) { return by_pair(&VolumeRecord::options, value); }

Test by_name(Engine&, const std::string& value) {
    std::regex pattern(value);
    return [pattern](const VolumeView& view) { return std::regex_search(view.record.name, pattern); };
}
Test by_driver(Engine&, const std::string& value) {
    return [value](const VolumeView& view) { return view.record.driver == value; };
}
Test by_scope(Engine&, const std::string& value) {
    return [fits = value == "local"](const VolumeView&) { return fits; };
}
Test by_dangling(Engine&, const std::string& value) {
    return [want = parse_bool("dangling", value)](const VolumeView& view) { return view.users.empty() == want; };
}
Test by_anonymous(Engine&, const std::string& value) {
    return [want = parse_bool("anonymous", value)](const VolumeView& view) { return view.record.anonymous == want; };
}
Test by_until(Engine&, const std::string& value) {
    return
        [limit = parse_when(value, Moment::now())](const VolumeView& view) { return view.record.created < limit.ns; };
}
std::int64_t creation_of(Engine& engine, const std::string& name) {
    if (const auto record = engine.volumes().find(name)) return record->created;
    throw NotFound("no such volume: {}", printable(name));
}
Test by_since(Engine& engine, const std::string& value) {
    return [at = creation_of(engine, value)](const VolumeView& view) { return view.record.created > at; };
}

struct Filter {
    std::string_view key;
    Maker make;
    bool all_must_hold = false;
};
constexpr Filter table[] = {{"name", by_name},        {"label", by_label, true}, {"label!", by_no_label, true},
                            {"driver", by_driver},    {"dangling", by_dangling}, {"anonymous", by_anonymous},
                            {"opt", by_option, true}, {"scope", by_scope},       {"until", by_until},
                            {"since", by_since},      {"after", by_since}};

const Filter& find_filter(const std::string& key) {
    std::vector<std::string> known;
    for (const Filter& filter : table) {
        if (filter.key == key) return filter;
        known.emplace_back(filter.key);
    }
    UsageError error("invalid filter '{}'", printable(key));
    const auto near = nearest(key, known);
    error.with_hint(near.empty() ? "filters are " + quoted_choice(known) : "did you mean " + quoted_choice(near) + "?");
    throw error;
}

} // namespace volume_filter

VolumeView read_view(Engine& engine, const std::string& name) {
    VolumeView view;
    try {
        auto record = engine.volumes().find(name);
        if (!record) throw NotFound("no such volume: {}", printable(name));
        view.record = std::move(*record);
    } catch (const NotFound&) {
        throw;
    } catch (const Error& error) {
        view.record.name = name;
        view.damage = error.what();
    }
    return view;
}

/// Where the data lie, as far as the host has a path for them.
std::string mountpoint(Engine& engine, const VolumeView& view) {
    if (!view.damage.empty()) return engine.volumes().data_path(view.record.name);
    const VolumeSource source = plan_volume_source(view.record);
    return source.kind == VolumeSource::Kind::bind ? source.device : engine.volumes().data_path(view.record.name);
}

std::string pairs_text(const std::map<std::string, std::string>& pairs) {
    std::vector<std::string> parts;
    for (const auto& [key, value] : pairs) parts.push_back(value.empty() ? key : key + "=" + value);
    return join(parts, ",");
}

} // namespace

VolumeFilter VolumeFilter::parse(Engine& engine, const std::vector<std::string>& filters) {
    using namespace volume_filter;
    VolumeFilter result;
    std::map<std::string, std::vector<Test>> alternatives;
    for (const std::string& text : filters) {
        const auto [key, value] = split_once(text, '=');
        if (!value) throw UsageError("invalid filter '{}': it is KEY=VALUE", printable(text));
        const Filter& filter = find_filter(key);
        try {
            Test test = filter.make(engine, *value);
            (filter.all_must_hold ? result.tests_ : alternatives[key]).push_back(std::move(test));
        } catch (const std::regex_error&) {
            throw UsageError("invalid filter '{}': not a regular expression", printable(text));
        }
    }
    for (auto& [key, tests] : alternatives)
        result.tests_.push_back([tests](const VolumeView& view) {
            return std::any_of(tests.begin(), tests.end(), [&](const Test& test) { return test(view); });
        });
    return result;
}

bool VolumeFilter::matches(const VolumeView& view) const {
    return std::all_of(tests_.begin(), tests_.end(), [&](const auto& test) { return test(view); });
}

VolumeView view_volume(Engine& engine, const std::string& name) {
    VolumeView view = read_view(engine, name);
    auto users = engine.containers().volume_users({name});
    view.users = std::move(users[name]);
    return view;
}

std::vector<VolumeView> list_volumes(Engine& engine, const std::vector<std::string>& filters) {
    const auto filter = VolumeFilter::parse(engine, filters);
    const std::vector<std::string> names = engine.volumes().names();
    if (names.empty()) return {};
    auto users = engine.containers().volume_users();
    std::vector<VolumeView> views;
    for (const std::string& name : names) {
        try {
            VolumeView view = read_view(engine, name);
            view.users = users[name];
            if (filter.matches(view)) views.push_back(std::move(view));
        } catch (const NotFound&) { // removed meanwhile
        }
    }
    return views;
}

Value volume_row(Engine& engine, const VolumeView& view, bool wants_size) {
    const VolumeRecord& record = view.record;
    Value row = Value::object();
    row.set("Name", record.name);
    row.set("Driver", record.driver);
    row.set("Scope", "local");
    row.set("Mountpoint", mountpoint(engine, view));
    row.set("Labels", pairs_text(record.labels));
    row.set("Options", pairs_text(record.options));
    row.set("CreatedAt", to_rfc3339({record.created}));
    row.set("Anonymous", record.anonymous);
    row.set("Links", view.users.size());
    row.set("Availability", "N/A");
    row.set("Group", "N/A");
    row.set("Status", view.damage.empty() ? "N/A" : "corrupt");
    row.set("UID", record.uid);
    row.set("GID", record.gid);
    if (wants_size) row.set("Size", volume_size(engine, record.name));
    return row;
}

Value inspect_volume(Engine& engine, const VolumeView& view) {
    const VolumeRecord& record = view.record;
    if (!view.damage.empty()) throw Error("{}", view.damage);
    Value document = Value::object();
    document.set("Name", record.name);
    document.set("Driver", record.driver);
    document.set("Mountpoint", mountpoint(engine, view));
    document.set("CreatedAt", to_rfc3339({record.created}));
    document.set("Labels", map_value(record.labels));
    document.set("Scope", "local");
    document.set("Options", map_value(record.options));
    document.set("Anonymous", record.anonymous);
    document.set("UID", record.uid);
    document.set("GID", record.gid);
    document.set("NeedsCopyUp", engine.volumes().is_fresh(record.name));
    Value containers = Value::list();
    for (const auto& user : view.users) containers.push(user.id);
    document.set("Containers", std::move(containers));
    return document;
}

} // namespace kist::engine
