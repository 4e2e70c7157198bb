// SPDX-License-Identifier: Apache-2.0
// One call of kist: the global options, the command and its arguments, and the engine once the command asks for it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.hh"
#include "engine/engine.hh"

namespace kist::cli {

class Session {
public:
    Session(engine::GlobalOptions globals, const Command& command, std::vector<std::string> args,
            std::vector<std::string> argv);

    const engine::GlobalOptions& globals() const { return globals_; }
    const Command& command() const { return command_; }
    /// What follows the command's name.
    const std::vector<std::string>& args() const { return args_; }
    /// The whole command line, as inspect shows it.
    const std::vector<std::string>& argv() const { return argv_; }

    /// Reads the host configuration and checks that we are root when first asked for, so `version`, `completion` and a
    /// usage error work for everyone and with a broken kist.json.
    engine::Engine& engine();

private:
    engine::GlobalOptions globals_;
    const Command& command_;
    std::vector<std::string> args_;
    std::vector<std::string> argv_;
    std::optional<engine::Engine> engine_;
};

} // namespace kist::cli
