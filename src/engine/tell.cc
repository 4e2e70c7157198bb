// SPDX-License-Identifier: Apache-2.0
#include "engine/tell.hh"

#include "base/log.hh"
#include "storage/event_log.hh"

namespace kist::engine {

std::string event_attributes_of(const storage::ContainerConfig& config) {
    EventAttributes attributes = {{"image", config.image_name}, {"name", config.name}};
    attributes.insert(attributes.end(), config.labels.begin(), config.labels.end());
    return storage::event_attributes(attributes);
}

void tell(Engine& engine, const storage::ContainerConfig& config, std::string_view action,
          const EventAttributes& attributes) noexcept {
    try {
        storage::append_event(engine.store().data(), {.type = "container",
                                                      .action = action,
                                                      .id = config.id,
                                                      .attributes = attributes,
                                                      .prepared = event_attributes_of(config)});
    } catch (const std::exception& error) { // no memory
        log::debug("event {} of container {}: {}", action, config.id, error.what());
    }
}

} // namespace kist::engine
