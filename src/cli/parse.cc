// SPDX-License-Identifier: Apache-2.0
// Values by cxxopts, the only file that includes it (it costs 6 s to compile). It gets one --name=value an argument from
// scan.cc and only the options that were given, so start-up does not pay for the whole table.
#include "cli/parse.hh"

// Its default splits the values of a list at commas: -e A=1,2 would become two.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include <algorithm>
#include <limits>
#include <map>

#include <cxxopts.hpp>

#include "base/error.hh"
#include "base/text.hh"
#include "cli/scan.hh"

namespace kist::cli {
namespace {

template <typename T>
struct Plain {
    using type = T;
};
template <typename T>
struct Plain<std::optional<T>> {
    using type = T;
};

[[noreturn]] void invalid(const ScannedOption& given, std::string_view expected) {
    throw UsageError("invalid value '{}' for --{}: expected {}", printable(given.value), given.option->name(),
                     expected);
}

/// The spellings of strconv.ParseBool, which scripts use, in the two that cxxopts reads.
std::string checked_boolean(const ScannedOption& given) {
    for (std::string_view text : {"1", "t", "T", "true", "TRUE", "True"})
        if (given.value == text) return "true";
    for (std::string_view text : {"0", "f", "F", "false", "FALSE", "False"})
        if (given.value == text) return "false";
    invalid(given, "true or false");
}

template <std::signed_integral T>
std::string checked_integer(const ScannedOption& given) {
    const std::optional<std::int64_t> number = parse_signed(given.value);
    if (!number) invalid(given, "a whole number");
    if (*number < std::numeric_limits<T>::min() || *number > std::numeric_limits<T>::max())
        invalid(given, "a number within range");
    return std::to_string(*number);
}

/// Checked here, by our own strict grammar and with the option's name in the message; cxxopts would also take 0x1F.
template <typename T>
std::string checked(const ScannedOption& given) {
    if constexpr (std::is_same_v<T, bool>) return checked_boolean(given);
    else if constexpr (std::signed_integral<T>) return checked_integer<T>(given);
    else return given.value;
}

void assign(const std::string& command, const std::vector<ScannedOption>& given,
            const std::map<const OptionFacts*, Slot>& slots) {
    cxxopts::Options parser(command);
    std::vector<const OptionFacts*> registered;
    std::vector<std::string> arguments{command};
    for (const ScannedOption& option : given) {
        const std::string name(option.option->name());
        const bool is_new = std::find(registered.begin(), registered.end(), option.option) == registered.end();
        if (is_new) registered.push_back(option.option);
        std::visit(
            [&](auto* member) {
                using T = typename Plain<std::remove_pointer_t<decltype(member)>>::type;
                if (is_new) parser.add_options()(name, "", cxxopts::value<T>());
                arguments.push_back("--" + name + "=" + checked<T>(option));
            },
            slots.at(option.option));
    }
    std::vector<const char*> argv;
    argv.reserve(arguments.size());
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    const cxxopts::ParseResult result = parser.parse(static_cast<int>(argv.size()), argv.data());
    for (const OptionFacts* option : registered)
        std::visit(
            [&](auto* member) {
                using T = typename Plain<std::remove_pointer_t<decltype(member)>>::type;
                *member = result[std::string(option->name())].template as<T>();
            },
            slots.at(option));
}

void check_count(const std::string& command, const Operands& expected, const std::vector<std::string>& given) {
    const auto plural = [](std::size_t n) { return n == 1 ? "1 argument" : std::to_string(n) + " arguments"; };
    if (expected.most == 0 && !given.empty())
        throw UsageError("'{}' takes no arguments: '{}' is too much", command, printable(given.front()));
    if (given.size() < expected.least && expected.most == expected.least)
        throw UsageError("'{}' needs exactly {}", command, plural(expected.least));
    if (given.size() < expected.least) throw UsageError("'{}' needs at least {}", command, plural(expected.least));
    if (given.size() > expected.most)
        throw UsageError("'{}' takes at most {}: '{}' is too much", command, plural(expected.most),
                         printable(given[expected.most]));
}

} // namespace

std::vector<std::string> parse_arguments(const std::string& command, std::span<const Binding> bindings,
                                         const Operands& operands, const std::vector<std::string>& args) {
    std::vector<const OptionFacts*> table;
    for (const Binding& binding : bindings) table.push_back(&binding.facts);
    Scanned scanned = scan(table, operands.end_options, args);
    if (scanned.help) throw HelpRequested{};
    if (!scanned.options.empty()) {
        std::map<const OptionFacts*, Slot> slots;
        for (const Binding& binding : bindings) slots.emplace(&binding.facts, binding.slot);
        assign(command, scanned.options, slots);
    }
    check_count(command, operands, scanned.operands);
    return std::move(scanned.operands);
}

std::vector<std::string> parse_operands(const Session& session) {
    return parse_arguments("kist " + std::string(session.command().name()), {}, session.command().operands,
                           session.args());
}

} // namespace kist::cli
