// SPDX-License-Identifier: Apache-2.0
// A command of kist-oci: the same kind of table as a command of kist (cli/command.hh), with the runtime's global options.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hh"
#include "cli/parse.hh"
#include "runtime/record.hh"

namespace kist::runtime {

struct Globals {
    bool debug = false;
    std::string log;
    std::string log_format = "text";
    std::string root = "/run/kist-oci";
    std::string rootless;
    bool systemd_cgroup = false;
    bool version = false;
};

struct Command;

/// One call.
struct Call {
    const Globals& globals;
    const Command& command;
    const std::vector<std::string>& args; ///< behind the command's name
    const std::vector<std::string>& argv; ///< all
    Store store() const { return Store(globals.root); }
};

struct Command {
    std::string_view name = {};
    std::string_view summary = {};
    std::string_view usage = {};
    cli::Operands operands = cli::operands::exactly_one;
    std::span<const cli::OptionFacts> options = {};
    int (*run)(const Call&) = nullptr;
};

template <typename T, std::size_t N>
std::vector<std::string> parse_into(T& to, const std::array<cli::Option<T>, N>& options, const Call& call) {
    return cli::parse_arguments("kist-oci " + std::string(call.command.name), cli::bind(to, options),
                                call.command.operands, call.args);
}
inline std::vector<std::string> parse_operands(const Call& call) {
    return cli::parse_arguments("kist-oci " + std::string(call.command.name), {}, call.command.operands, call.args);
}

namespace command {
extern const Command checkpoint, create, delete_container, events, exec, features, kill, list, pause, ps, restore,
    resume, run, spec, start, state, update;
}

} // namespace kist::runtime
