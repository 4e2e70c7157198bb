// SPDX-License-Identifier: Apache-2.0
// What every entry of the table of commands must keep to, and how an argument finds its entry.
#include "cli/commands.hh"

#include <algorithm>
#include <set>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"
#include "base/text.hh"
#include "cli/help.hh"

using namespace kist;
using namespace kist::cli;

namespace {

void check_options(std::span<const OptionFacts> options) {
    std::set<std::string> spellings;
    std::string before;
    for (const OptionFacts& option : options) {
        INFO("--" << option.name());
        CHECK_FALSE(option.help.empty());
        CHECK(option.name().size() > 1); // one letter alone would be read as a letter by cxxopts
        CHECK(before < option.name());
        before = option.name();
        if (option.letter() != '\0') CHECK(spellings.insert(std::string(1, option.letter())).second);
        for (const std::string& name : split(option.long_names(), ',')) CHECK(spellings.insert(name).second);
        CHECK((option.completes == Completes::words) == !option.words.empty());
        if (option.completes != Completes::nothing) CHECK_FALSE(option.value.empty());
        if (option.repeatable) CHECK(option.help.find("repeatable") != std::string_view::npos);
    }
    CHECK_FALSE(spellings.contains("help"));
}

std::string failure(const std::vector<std::string>& args) {
    try {
        find_command(args);
    } catch (const UsageError& error) {
        return error.message() + "|" + error.hint();
    }
    return "no error";
}

} // namespace

TEST_CASE("options have help, are sorted, and no spelling is used twice") {
    check_options(global_options());
    for (const Command* command : commands()) {
        INFO("kist " << command->path);
        check_options(command->options);
    }
}

TEST_CASE("commands have a summary and a function, and no spelling is used twice") {
    std::set<std::string> spellings;
    for (const Command* command : commands()) {
        INFO("kist " << command->path);
        CHECK_FALSE(command->summary.empty());
        CHECK_FALSE(command->summary.ends_with('.'));
        CHECK(command->run != nullptr);
        CHECK((command->completes == Completes::words) == !command->words.empty());
        if (command->operands.most == 0) CHECK(command->usage.empty());
        if (command->operands.least > 0) CHECK_FALSE(command->usage.empty());
        CHECK(spellings.insert(std::string(command->path)).second);
        if (!command->shortcut.empty()) CHECK(spellings.insert(std::string(command->shortcut)).second);
        for (const std::string& alias : split(command->alias, ',')) CHECK(spellings.insert(alias).second);
    }
}

TEST_CASE("no line of help is wider than 80 columns") {
    std::vector<std::string> texts{general_help()};
    for (const Noun& noun : nouns()) texts.push_back(noun_help(noun));
    for (const Command* command : commands()) texts.push_back(command_help(*command));
    for (const std::string& text : texts)
        for (const std::string& line : split(text, '\n')) {
            INFO(line);
            CHECK(display_width(line) <= 80);
        }
}

TEST_CASE("every spelling finds its command and says how many words it took") {
    for (const Command* command : commands()) {
        std::vector<std::string> spellings{std::string(command->path)};
        if (!command->shortcut.empty()) spellings.emplace_back(command->shortcut);
        for (const std::string& alias : split(command->alias, ',')) spellings.push_back(alias);
        for (const std::string& spelling : spellings) {
            INFO("kist " << spelling);
            std::vector<std::string> args = split(spelling, ' ');
            const std::size_t words = args.size();
            args.emplace_back("-a");
            const Found found = find_command(args);
            CHECK(found.command == command);
            CHECK(found.words == words);
        }
    }
}

TEST_CASE("a noun alone or with --help is no command") {
    for (const auto& args : std::vector<std::vector<std::string>>{{"image"}, {"image", "--help"}, {"image", "-h"}}) {
        const Found found = find_command(args);
        CHECK(found.command == nullptr);
        REQUIRE(found.noun != nullptr);
        CHECK(found.noun->name == "image");
    }
}

TEST_CASE("unknown commands name the nearest ones, hidden ones are never offered") {
    CHECK(failure({"imagse"}).find("'kist images'") != std::string::npos);
    CHECK(
        failure({"container", "lss"}).starts_with("unknown command 'container lss'|did you mean 'kist container ls'"));
    CHECK(failure({"__dump-cly"}).find("dump-cli") == std::string::npos);
    CHECK(failure({""}) == "unknown command ''|");
}

TEST_CASE("global options end at the command") {
    GlobalArguments globals;
    const auto rest = parse_globals(globals, {"--root", "/a", "-D", "ps", "--root", "/b"});
    CHECK(globals.root == "/a");
    CHECK(globals.debug);
    CHECK(rest == std::vector<std::string>{"ps", "--root", "/b"});
}
