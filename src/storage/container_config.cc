// SPDX-License-Identifier: Apache-2.0
// The one place that turns container records into text and back: the templates are instantiated here only.
#include "storage/container_config.hh"

#include "storage/sealed.hh"

namespace kist::storage {

std::string dump_config(const ContainerConfig& config) { return seal(to_value(config)); }
ContainerConfig parse_config(std::string_view text, std::string_view where) {
    return from_value<ContainerConfig>(unseal(text, where), where);
}
std::string dump_state(const ContainerState& state) { return seal(to_value(state)); }
ContainerState parse_state(std::string_view text, std::string_view where) {
    return from_value<ContainerState>(unseal(text, where), where);
}
Value config_value(const ContainerConfig& config) { return to_value(config, Write::everything); }

} // namespace kist::storage
