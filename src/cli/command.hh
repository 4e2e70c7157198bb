// SPDX-License-Identifier: Apache-2.0
// What a command is: data that parsing, help, completion and the man page check all read, and one function.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/engine.hh"

namespace kist::cli {

/// What completion offers for a value or operand.
enum class Completes { nothing, file, folder, container, running_container, image, signal, words };

/// The part of an option that is the same for every command: what help, completion and the man page check need.
struct OptionFacts {
    std::string_view names;     ///< "a,all" or "all"
    std::string_view value;     ///< placeholder in help ("NAME", "KEY=VALUE"); empty: a switch
    std::string_view help;
    Completes completes = Completes::nothing;
    std::string_view words;     ///< for Completes::words: "a|b|c"
    bool repeatable = false;
};

/// Binds an option to a member of the command's own options struct.
template <typename T>
struct Option {
    using Target = std::variant<bool T::*, std::optional<bool> T::*, int T::*, std::optional<int> T::*, std::int64_t T::*, std::optional<std::int64_t> T::*,
                                std::string T::*, std::optional<std::string> T::*, std::vector<std::string> T::*>;
    OptionFacts facts;
    Target target;
};

enum class Operands { none, any, at_least_one, exactly_one, exactly_two, at_most_one, command }; ///< command: OBJECT [COMMAND [ARG...]]: parsing stops there

struct Command {
    std::string_view path;      ///< "container pause"
    std::string_view shortcut;  ///< "pause"; empty: only the long form
    std::string_view alias;     ///< further spellings, comma separated: "container ls,container list"
    std::string_view summary;
    std::string_view operands;  ///< "CONTAINER [CONTAINER...]"
    Completes completes = Completes::nothing;
    Operands arity = Operands::none;
    std::vector<OptionFacts> (*options)() = nullptr;
    bool needs_root = true;
    int (*run)(engine::Engine&, const std::vector<std::string>& args) = nullptr;
};

} // namespace kist::cli
