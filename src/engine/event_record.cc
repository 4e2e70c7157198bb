// SPDX-License-Identifier: Apache-2.0
// One line of the event log, and the members that templates and JSON show of it.
#include "base/json.hh"
#include "base/text.hh"
#include "engine/events.hh"

namespace kist::engine {

namespace {

std::string text_of(const Value& object, std::string_view name) {
    const Value* member = object.find(name);
    return member != nullptr && member->is_string() ? member->as_string() : std::string();
}

void take_attributes(const Value& event, std::string_view name, std::map<std::string, std::string>& into) {
    const Value* object = event.find(name);
    if (object == nullptr || !object->is_object()) return;
    for (const auto& [key, value] : object->as_object())
        if (value.is_string()) into.try_emplace(key, value.as_string());
}

std::optional<EventRecord> read_event(std::string_view line) {
    EventRecord event;
    const Value value = json::parse(line, "event");
    const Value* time = value.find("time");
    if (time == nullptr || !time->is_signed()) return std::nullopt;
    event.time = {time->as_signed()};
    event.type = text_of(value, "type");
    event.action = text_of(value, "action");
    event.id = text_of(value, "id");
    if (event.type.empty() || event.action.empty()) return std::nullopt;
    take_attributes(value, "attributes", event.attributes);
    take_attributes(value, "more", event.attributes);
    return event;
}

} // namespace

std::optional<EventRecord> parse_event(std::string_view line) {
    // A full disk may have torn the line before: the next one then stands behind its remains.
    const std::size_t start = line.rfind(R"({"time":)");
    if (start == std::string_view::npos) return std::nullopt;
    try {
        if (auto event = read_event(line)) return event;
    } catch (const Error&) { // an answer here, not a failure
    }
    if (start == 0) return std::nullopt;
    try {
        return read_event(line.substr(start));
    } catch (const Error&) {
        return std::nullopt;
    }
}

const std::string* EventRecord::attribute(const std::string& name) const {
    const auto found = attributes.find(name);
    return found == attributes.end() ? nullptr : &found->second;
}

namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;

Value attributes_object(const EventRecord& event) {
    Value object = Value::object();
    for (const auto& [name, value] : event.attributes) object.set(name, value);
    return object;
}

std::string attribute_or_nothing(const EventRecord& event, const char* name) {
    const std::string* value = event.attribute(name);
    return value == nullptr ? std::string() : *value;
}

/// A container's image as docker calls it "from"; an image event's own name.
std::string from_of(const EventRecord& event) {
    if (event.type == "container") return attribute_or_nothing(event, "image");
    return event.type == "image" ? attribute_or_nothing(event, "name") : std::string();
}

Value exit_code_of(const EventRecord& event) {
    const std::string* code = event.attribute("exitCode");
    return code == nullptr ? Value(0) : Value(parse_signed(*code).value_or(0));
}

Value actor_of(const EventRecord& event) {
    Value actor = Value::object();
    actor.set("ID", event.id);
    actor.set("Attributes", attributes_object(event));
    return actor;
}

} // namespace

Value EventRecord::fields() const {
    Value object = Value::object();
    object.set("Type", type);
    object.set("Action", action);
    object.set("Actor", actor_of(*this));
    object.set("Scope", "local");
    object.set("Time", time.ns / ns_per_second);
    object.set("TimeNano", time.ns);
    object.set("Status", action);
    object.set("ID", id);
    object.set("From", from_of(*this));
    object.set("Image", attribute_or_nothing(*this, "image"));
    object.set("Name", attribute_or_nothing(*this, "name"));
    object.set("Attributes", attributes_object(*this));
    object.set("ContainerExitCode", exit_code_of(*this));
    object.set("Network", type == "network" ? attribute_or_nothing(*this, "name") : std::string());
    return object;
}

Value EventRecord::document() const {
    Value object = Value::object();
    if (type == "container" || type == "image") {
        object.set("status", action);
        object.set("id", id);
        object.set("from", from_of(*this));
    }
    object.set("Type", type);
    object.set("Action", action);
    object.set("Actor", actor_of(*this));
    object.set("scope", "local");
    object.set("time", time.ns / ns_per_second);
    object.set("timeNano", time.ns);
    object.set("Name", attribute_or_nothing(*this, "name"));
    if (const std::string* image = attribute("image")) object.set("Image", *image);
    if (attribute("exitCode") != nullptr) object.set("ContainerExitCode", exit_code_of(*this));
    return object;
}

} // namespace kist::engine
