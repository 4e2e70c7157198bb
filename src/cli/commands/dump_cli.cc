// SPDX-License-Identifier: Apache-2.0
// kist __dump-cli: the tables as JSON, for the checks of man pages and help.
#include "base/text.hh"
#include "base/value.hh"
#include "cli/commands.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"

namespace kist::cli::command {
namespace {

Value words(std::string_view text, char separator) {
    Value list = Value::list();
    for (const std::string& word : split(text, separator)) list.push(word);
    return list;
}

std::string_view name_of(Completes what) {
    switch (what) {
    case Completes::nothing: return "nothing";
    case Completes::file: return "file";
    case Completes::folder: return "folder";
    case Completes::container: return "container";
    case Completes::running_container: return "running_container";
    case Completes::image: return "image";
    case Completes::network: return "network";
    case Completes::volume: return "volume";
    case Completes::signal: return "signal";
    case Completes::words: return "words";
    case Completes::command: return "command";
    }
    return "nothing";
}

Value dump(std::span<const OptionFacts> options) {
    Value list = Value::list();
    for (const OptionFacts& option : options) {
        Value one = Value::object();
        one.set("letter", option.letter() != '\0' ? std::string(1, option.letter()) : std::string());
        one.set("names", words(option.long_names(), ','));
        one.set("value", option.value);
        one.set("help", option.help);
        one.set("repeatable", option.repeatable);
        one.set("completes", name_of(option.completes));
        one.set("words", words(option.words, '|'));
        list.push(std::move(one));
    }
    return list;
}

Value dump(const Command& command) {
    Value one = Value::object();
    one.set("name", command.name());
    one.set("path", command.path);
    one.set("aliases", words(command.alias, ','));
    one.set("summary", command.summary);
    one.set("usage", command.usage);
    one.set("completes", name_of(command.completes));
    one.set("options", dump(command.options));
    return one;
}

int dump_tables(Session& session) {
    parse_operands(session);
    Value all = Value::object();
    all.set("options", dump(global_options()));
    Value nouns_list = Value::list();
    for (const Noun& noun : nouns()) nouns_list.push(noun.name);
    all.set("nouns", std::move(nouns_list));
    Value list = Value::list();
    for (const Command* command : commands())
        if (command->section != Section::hidden) list.push(dump(*command));
    all.set("commands", std::move(list));
    print_json(all);
    return 0;
}

} // namespace

const Command dump_cli{.path = "__dump-cli",
                       .shortcut = "",
                       .alias = "",
                       .summary = "Print the tables of commands and options as JSON",
                       .usage = "",
                       .section = Section::hidden,
                       .operands = operands::none,
                       .run = dump_tables};

} // namespace kist::cli::command
