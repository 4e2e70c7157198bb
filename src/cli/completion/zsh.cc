// SPDX-License-Identifier: Apache-2.0
// The script for zsh: _arguments with one specification an option.
#include "base/text.hh"
#include "cli/completion/scripts.hh"

namespace kist::cli {
namespace {

std::string action(Completes what, std::string_view words) {
    switch (what) {
    case Completes::nothing: return "";
    case Completes::file: return "_files";
    case Completes::folder: return "_files -/";
    case Completes::container: return "__kist_containers --all";
    case Completes::running_container: return "__kist_containers";
    case Completes::image: return "__kist_images";
    case Completes::volume: return "__kist_volumes";
    case Completes::network: return "__kist_networks";
    case Completes::signal: return "(HUP INT QUIT KILL USR1 USR2 TERM CONT STOP WINCH)";
    case Completes::words: return "(" + join(split(words, '|'), " ") + ")";
    case Completes::command: return "(" + join(first_words(), " ") + ")";
    }
    return "";
}

/// Inside a specification colons and brackets have a meaning.
std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == ':' || c == '[' || c == ']' || c == '\\') result += '\\';
        result += c;
    }
    return result;
}

std::string specification(const OptionFacts& option) {
    const std::vector<std::string> names = spellings(option);
    std::string text = option.repeatable ? "'*'" : names.size() > 1 ? "'(" + join(names, " ") + ")'" : "";
    text += names.size() > 1 ? "{" + join(names, ",") + "}" : names.front();
    std::string explained = "[" + escaped(option.help) + "]";
    if (!option.value.empty())
        explained = (names.size() > 1 ? "" : "=") + explained + ":" + escaped(option.value) + ":" +
                    action(option.completes, option.words);
    return text + shell_quoted(explained);
}

std::string arguments(std::span<const OptionFacts> options, const std::string& operands) {
    std::string text = "_arguments -s -S";
    for (const OptionFacts& option : options) text += " \\\n                " + specification(option);
    text += " \\\n                '--help[Print this help]'";
    if (!operands.empty()) text += " \\\n                " + operands;
    return text;
}

std::string command_case(const Command& command) {
    std::string text = "        ";
    std::string separator;
    for (const std::string& spelling : spellings(command)) {
        text += separator + shell_quoted(spelling);
        separator = "|";
    }
    const std::string what = action(command.completes, command.words);
    std::string operands = what.empty() ? "" : shell_quoted("*:argument:" + what);
    if (command.operands.end_options && !what.empty())
        operands = shell_quoted("1:argument:" + what) + " '*::command:_normal'";
    return text + ")\n            " + arguments(command.options, operands) + " ;;\n";
}

constexpr std::string_view head = R"sh(#compdef kist
# zsh completion for kist, made by `kist completion zsh`

__kist_containers() { local -a names; names=(${(f)"$(kist ps "$@" --format '{{.Names}}' 2>/dev/null)"}); compadd -a names }
__kist_images() { local -a names; names=(${(f)"$(kist images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)"}); compadd -a names }
__kist_volumes() { local -a names; names=(${(f)"$(kist volume ls -q 2>/dev/null)"}); compadd -a names }
__kist_networks() { local -a names; names=(${(f)"$(kist network ls --format '{{.Name}}' 2>/dev/null)"}); compadd -a names }

)sh";

/// "'name:summary'" lines for _describe.
std::string described(const std::string& prefix) {
    std::string text;
    for (const Command* command : commands()) {
        if (command->section == Section::hidden) continue;
        for (const std::string& spelling : spellings(*command)) {
            if (!spelling.starts_with(prefix)) continue;
            const std::string word = spelling.substr(prefix.size());
            if (word.find(' ') == std::string::npos)
                text += "        " + shell_quoted(escaped(word) + ":" + std::string(command->summary)) + "\n";
        }
    }
    return text;
}

} // namespace

std::string zsh_completion() {
    std::string text(head);
    text += "__kist_commands() {\n    local -a words\n    case \"$1\" in\n";
    std::string first = described("");
    std::vector<std::string> names;
    for (const Noun& noun : nouns()) {
        first += "        " + shell_quoted(std::string(noun.name) + ":" + std::string(noun.summary)) + "\n";
        names.emplace_back(noun.name);
        text +=
            "    " + std::string(noun.name) + ") words=(\n" + described(std::string(noun.name) + " ") + "    ) ;;\n";
    }
    text += "    *) words=(\n" + first + "    ) ;;\n    esac\n    _describe command words\n}\n\n";
    text += "__kist_arguments() {\n    case \"$1\" in\n";
    for (const Command* command : commands())
        if (command->section != Section::hidden) text += command_case(*command);
    text += "    esac\n}\n\n";
    text += "_kist() {\n    local context state state_descr line name\n    typeset -A opt_args\n    " +
            arguments(global_options(), "'1:command:__kist_commands' '*::argument:->rest'") +
            "\n    [[ $state == rest ]] || return\n    name=$line[1]\n    case \"$name\" in\n    " + join(names, "|") +
            ")\n        if ((CURRENT == 2)); then __kist_commands \"$name\"; return; fi\n"
            "        name=\"$name $words[2]\"\n        shift words\n        ((CURRENT -= 1)) ;;\n    esac\n"
            "    __kist_arguments \"$name\"\n}\n\n"
            "if [[ $funcstack[1] == _kist ]]; then _kist \"$@\"; else compdef _kist kist; fi\n";
    return text;
}

} // namespace kist::cli
