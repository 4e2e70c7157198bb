// SPDX-License-Identifier: Apache-2.0
// What a command is: data that parsing, help, completion and the man page check all read, and one function.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kist::cli {

class Session;

/// What completion offers for a value or operand.
enum class Completes {
    nothing,
    file,
    folder,
    container,
    running_container,
    image,
    network,
    volume,
    signal,
    words,
    command
};

/// The part of an option that is the same for every command: what help, completion and the man page check need.
struct OptionFacts {
    /// "a,all", "all" or "t,time,timeout": one letter, then the long name, then its other spellings
    std::string_view names = {};
    std::string_view value = {}; ///< placeholder in help ("NAME", "KEY=VALUE"); empty: a switch
    std::string_view help = {};
    Completes completes = Completes::nothing;
    std::string_view words = {}; ///< for Completes::words: "a|b|c"
    bool repeatable = false;     ///< set from the type of the member that it is bound to

    /// 0 when there is none.
    constexpr char letter() const { return names.size() > 1 && names[1] == ',' ? names[0] : '\0'; }
    /// All long spellings, comma separated.
    constexpr std::string_view long_names() const { return letter() != '\0' ? names.substr(2) : names; }
    /// The one that help and messages use.
    constexpr std::string_view name() const { return long_names().substr(0, long_names().find(',')); }
};

/// Binds an option to a member of the command's own options struct. A struct may derive from another one: a pointer to a
/// member of the base is accepted too.
template <typename T>
struct Option {
    using Target = std::variant<bool T::*, std::optional<bool> T::*, int T::*, std::optional<int> T::*,
                                std::int64_t T::*, std::optional<std::int64_t> T::*, std::string T::*,
                                std::optional<std::string> T::*, std::vector<std::string> T::*>;
    OptionFacts facts;
    Target target;
};

/// A group of options shared by several commands is an array made by a function template over the options struct.
template <typename T, std::size_t A, std::size_t B>
constexpr std::array<Option<T>, A + B> concat(const std::array<Option<T>, A>& a, const std::array<Option<T>, B>& b) {
    std::array<Option<T>, A + B> all{};
    std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), all.begin()));
    return all;
}
template <typename T, std::size_t A, std::size_t B, typename... More>
constexpr auto concat(const std::array<Option<T>, A>& a, const std::array<Option<T>, B>& b, const More&... more) {
    return concat(concat(a, b), more...);
}

/// By long name: the order of help, man page and completion.
template <typename T, std::size_t N>
constexpr std::array<Option<T>, N> sorted(std::array<Option<T>, N> options) {
    std::sort(options.begin(), options.end(),
              [](const Option<T>& a, const Option<T>& b) { return a.facts.name() < b.facts.name(); });
    return options;
}

template <typename T, std::size_t N>
constexpr std::array<OptionFacts, N> facts(const std::array<Option<T>, N>& options) {
    std::array<OptionFacts, N> result{};
    for (std::size_t i = 0; i < N; ++i) {
        result[i] = options[i].facts;
        result[i].repeatable = std::holds_alternative<std::vector<std::string> T::*>(options[i].target);
    }
    return result;
}

/// The facts of a table, laid down at compile time: nothing runs at start-up.
template <const auto& Options>
inline constexpr auto facts_of = facts(Options);

/// How many operands a command takes. `end_options`: OBJECT [COMMAND [ARG...]]: the first operand ends the options.
struct Operands {
    static constexpr std::size_t any_number = SIZE_MAX;
    std::size_t least = 0;
    std::size_t most = any_number;
    bool end_options = false;
};
namespace operands {
inline constexpr Operands none{0, 0};
inline constexpr Operands any{0, Operands::any_number};
inline constexpr Operands at_most_one{0, 1};
inline constexpr Operands exactly_one{1, 1};
inline constexpr Operands one_or_two{1, 2};
inline constexpr Operands exactly_two{2, 2};
inline constexpr Operands at_least_one{1, Operands::any_number};
inline constexpr Operands at_least_two{2, Operands::any_number};
inline constexpr Operands command{1, Operands::any_number, true};
} // namespace operands

/// Headings of `kist --help`, in this order.
enum class Section { container, image, network, volume, system, hidden };

struct Command {
    std::string_view path = {};     ///< "container pause"
    std::string_view shortcut = {}; ///< "pause"; empty: only the long form
    std::string_view alias = {};    ///< further spellings, comma separated: "container ls,container list"
    std::string_view summary = {};
    std::string_view usage = {}; ///< operands in help: "CONTAINER [CONTAINER...]"
    Section section = Section::system;
    Completes completes = Completes::nothing; ///< what the operands are
    std::string_view words = {};              ///< for Completes::words
    Operands operands = operands::none;
    std::span<const OptionFacts> options = {};
    int (*run)(Session&) = nullptr;

    /// How messages and help name it: "pause", else "container exists".
    constexpr std::string_view name() const { return shortcut.empty() ? path : shortcut; }
};

} // namespace kist::cli
