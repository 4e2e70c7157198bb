// SPDX-License-Identifier: Apache-2.0
// What commands write into the event log (storage/event_log.hh); monitors write there what happens to a running container.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.hh"

namespace kist::engine {

using EventAttributes = std::vector<std::pair<std::string_view, std::string_view>>;

/// What every event of a container says of it, for Event::prepared and Job::event_attributes: image, name, labels.
std::string event_attributes_of(const storage::ContainerConfig&);

/// Never fails: what has happened has happened, told or not.
void tell(Engine&, const storage::ContainerConfig&, std::string_view action, const EventAttributes& = {}) noexcept;

} // namespace kist::engine
