// SPDX-License-Identifier: Apache-2.0
// Reads kist.json twice: once as the engine does, once as it stands.
#include "cli/host_config_file.hh"

#include "base/file.hh"
#include "base/json.hh"

namespace kist::cli {
namespace {

constexpr std::size_t file_limit = 1u << 20;

} // namespace

HostConfigFile read_host_config(const engine::GlobalOptions& globals) {
    HostConfigFile file;
    file.effective = engine::load_host_config(globals);
    file.path = globals.config.empty() ? std::string(engine::default_host_config) : globals.config;
    if (const std::optional<std::string> text = read_file_if_exists(file.path, file_limit)) {
        file.exists = true;
        file.written = json::parse(*text, file.path);
    }
    return file;
}

} // namespace kist::cli
