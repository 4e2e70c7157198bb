// SPDX-License-Identifier: Apache-2.0
// The one place that turns container records into text and back: the templates are instantiated here only.
#include "storage/container_config.hh"

#include "storage/record.hh"

namespace kist::storage {

std::string dump_config(const ContainerConfig& config) { return seal_record(to_value(config)); }
void read_config(std::string_view text, std::string_view where, ContainerConfig& to) {
    read_value(open_record(text, where), to, Place(where));
}
ContainerConfig parse_config(std::string_view text, std::string_view where) {
    ContainerConfig config;
    read_config(text, where, config);
    return config;
}
std::string dump_state(const ContainerState& state) { return seal_record(to_value(state)); }
ContainerState parse_state(std::string_view text, std::string_view where) {
    return from_value<ContainerState>(open_record(text, where), where);
}
std::string dump_health(const HealthLog& log) { return seal_record(to_value(log)); }
HealthLog parse_health(std::string_view text, std::string_view where) {
    return from_value<HealthLog>(open_record(text, where), where);
}
Value config_value(const ContainerConfig& config) { return to_value(config, Write::everything); }

} // namespace kist::storage
