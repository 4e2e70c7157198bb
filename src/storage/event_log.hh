// SPDX-License-Identifier: Apache-2.0
// The event log: what happened to containers, images, volumes and networks, one line of JSON each, appended by whoever did
// it (commands and monitors) with one write(2) and no lock; `kist events` reads it (engine/events.hh).
//
// data/events.log, rotated by rename to events.log.1 once it is longer than max_event_log. Not synced: a power cut costs the
// last seconds of it, as with any log. An event that cannot be written (a full disk) is lost and stops nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.hh"
#include "base/time.hh"

namespace kist::storage {

struct Event {
    std::string_view type;   ///< container, image, volume, network
    std::string_view action; ///< Docker's name of it: create, start, die, destroy, pull, …
    std::string_view id;     ///< of what it happened to: full id, or the name of a volume
    /// Docker's attributes: image, name, labels, exitCode, …
    std::vector<std::pair<std::string_view, std::string_view>> attributes = {};
    /// Further ones, made beforehand by event_attributes(): those above win.
    std::string_view prepared = {};
    Moment time = {}; ///< not set: now
};

/// The text for Event::prepared. Of a name that comes twice the first counts.
std::string event_attributes(const std::vector<std::pair<std::string_view, std::string_view>>& attributes);

/// `data`: Store::data(). Never throws: what has happened has happened, told or not.
void append_event(const Dir& data, const Event&) noexcept;
/// The same for a monitor, which holds no store open.
void append_event(const std::string& folder, const Event&) noexcept;

/// The line that is written, new line included (for tests).
std::string format_event(const Event&);

inline constexpr std::string_view event_log_name = "events.log";
inline constexpr std::string_view rotated_event_log_name = "events.log.1";
inline constexpr std::int64_t max_event_log = 8 << 20;
/// No line is longer: attributes that do not fit are left out.
inline constexpr std::size_t max_event_line = 256 << 10;

} // namespace kist::storage
