// SPDX-License-Identifier: Apache-2.0
// Reads kist.json twice: once as the engine does, once as it stands.
#include "cli/host_config_file.hh"

namespace kist::cli {

HostConfigFile read_host_config(const engine::GlobalOptions& globals) {
    HostConfigFile file;
    file.effective = engine::load_host_config(globals);
    file.path = globals.config.empty() ? std::string(engine::default_host_config) : globals.config;
    if (auto written = engine::read_host_documents(globals)) {
        file.exists = true;
        file.written = std::move(*written);
    }
    return file;
}

} // namespace kist::cli
