// SPDX-License-Identifier: Apache-2.0
// The one list of commands, and how an argument finds its entry.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hh"
#include "engine/host_config.hh"

namespace kist::cli {

/// In the order of `kist --help`.
std::span<const Command* const> commands();

/// The nouns that hold further commands ("container", "image", "config") and what help says of them.
struct Noun {
    std::string_view name;
    std::string_view summary;
};
std::span<const Noun> nouns();

/// The options before the command.
struct GlobalArguments : engine::GlobalOptions {
    bool version = false;
    bool debug = false;
};
std::span<const OptionFacts> global_options();
/// The rest of the command line, from the command's name on.
std::vector<std::string> parse_globals(GlobalArguments&, const std::vector<std::string>& args);

struct Found {
    const Command* command = nullptr;
    const Noun* noun = nullptr; ///< "kist container" alone
    std::size_t words = 0;      ///< how many arguments the name took
};
/// By shortcut, path or alias. Throws UsageError that names the nearest ones.
Found find_command(const std::vector<std::string>& args);

} // namespace kist::cli
