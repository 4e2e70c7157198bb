// SPDX-License-Identifier: Apache-2.0
// From arguments to the members of an options struct, by its option table. The grammar is that of docker and podman:
// -it, -p80:80, -p 80:80, --name=x, --name x, --bool=false, -t=false, and -- ends the options.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "cli/command.hh"
#include "cli/session.hh"

namespace kist::cli {

/// Thrown by --help (and -h where the table has no h): main prints the command's help on stdout.
struct HelpRequested {};

/// Where the value of one option goes.
using Slot =
    std::variant<bool*, std::optional<bool>*, int*, std::optional<int>*, std::int64_t*, std::optional<std::int64_t>*,
                 std::string*, std::optional<std::string>*, std::vector<std::string>*>;
struct Binding {
    const OptionFacts& facts;
    Slot slot;
};

/// Sets the members and returns the operands. `command` names it in messages ("kist run"). Throws UsageError (an unknown
/// option names the nearest ones) or HelpRequested.
std::vector<std::string> parse_arguments(const std::string& command, std::span<const Binding> bindings,
                                         const Operands& operands, const std::vector<std::string>& args);

template <typename T, std::size_t N>
std::vector<Binding> bind(T& to, const std::array<Option<T>, N>& options) {
    std::vector<Binding> bindings;
    bindings.reserve(N);
    for (const Option<T>& option : options)
        bindings.push_back(
            {option.facts, std::visit([&](auto member) -> Slot { return &(to.*member); }, option.target)});
    return bindings;
}

/// The operands of this call.
template <typename T, std::size_t N>
std::vector<std::string> parse_into(T& to, const std::array<Option<T>, N>& options, const Session& session) {
    return parse_arguments("kist " + std::string(session.command().name()), bind(to, options),
                           session.command().operands, session.args());
}
/// The same for a command without options.
std::vector<std::string> parse_operands(const Session&);

} // namespace kist::cli
