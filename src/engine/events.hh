// SPDX-License-Identifier: Apache-2.0
// kist events: the event log read, filtered and followed. What writes it: storage/event_log.hh.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hh"
#include "base/value.hh"
#include "engine/engine.hh"

namespace kist::engine {

struct EventRecord {
    Moment time;
    std::string type, action, id;
    std::map<std::string, std::string> attributes;

    const std::string* attribute(const std::string& name) const;
    /// Docker's and Podman's members both: what templates see.
    Value fields() const;
    /// Docker's document of an event with Podman's members behind it.
    Value document() const;
};
/// Nothing for a line that is no event: torn by a crash, or damaged.
std::optional<EventRecord> parse_event(std::string_view line);

/// --filter KEY=VALUE: those of one key are alternatives, different keys must all hold, and every label must.
class EventFilter {
public:
    static EventFilter parse(const std::vector<std::string>& filters);
    bool matches(const EventRecord&) const;

private:
    std::vector<std::function<bool(const EventRecord&)>> tests_;
};

struct EventQuery {
    std::string since, until; ///< as parse_when() takes them
    std::vector<std::string> filters;
    bool stream = true; ///< goes on with what happens, until `until` if that is given
};
/// Without since and until: with `stream` only what happens from now on, else everything. Returns when `sink` gives false.
void events(Engine&, const EventQuery&, const std::function<bool(const EventRecord&)>& sink);

} // namespace kist::engine
