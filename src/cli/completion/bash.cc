// SPDX-License-Identifier: Apache-2.0
// The script for bash: it needs no bash-completion package.
#include "base/text.hh"
#include "cli/completion/scripts.hh"

namespace kist::cli {
namespace {

/// What offers the words: a function of the script's head, with arguments.
std::string action(Completes what, std::string_view words) {
    switch (what) {
    case Completes::nothing: return "";
    case Completes::file: return "__kist_files";
    case Completes::folder: return "__kist_folders";
    case Completes::container: return "__kist_containers --all";
    case Completes::running_container: return "__kist_containers";
    case Completes::image: return "__kist_images";
    case Completes::volume: return "__kist_volumes";
    case Completes::network: return "__kist_networks";
    case Completes::signal: return "__kist_words 'HUP INT QUIT KILL USR1 USR2 TERM CONT STOP WINCH'";
    case Completes::words: return "__kist_words " + shell_quoted(join(split(words, '|'), " "));
    case Completes::command: return "__kist_words " + shell_quoted(join(first_words(), " "));
    }
    return "";
}

constexpr std::string_view head = R"sh(# bash completion for kist, made by `kist completion bash`

__kist_words() { COMPREPLY+=($(compgen -W "$1" -- "$__kist_word")); }
__kist_files() { compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- "$__kist_word")); }
__kist_folders() { compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -d -- "$__kist_word")); }
__kist_containers() { __kist_words "$(kist ps "$@" --format '{{.Names}}' 2>/dev/null)"; }
__kist_images() { __kist_words "$(kist images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)"; }
__kist_volumes() { __kist_words "$(kist volume ls -q 2>/dev/null)"; }
__kist_networks() { __kist_words "$(kist network ls --format '{{.Name}}' 2>/dev/null)"; }

)sh";

constexpr std::string_view tail = R"sh(
# The command is the first one or two words that are no options; options with a value take the next word.
__kist() {
    local __kist_word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command='' i=1 word
    COMPREPLY=()
    while ((i < COMP_CWORD)); do
        word=${COMP_WORDS[i]}
        if [[ $word == -* ]]; then
            [[ $word != *=* ]] && __kist_takes_value '' "$word" && ((i += 1))
        elif [[ -z $command ]]; then
            command=$word
            __kist_is_noun "$command" || break
        else
            command="$command $word"
            break
        fi
        ((i += 1))
    done
    command=$(__kist_canonical "$command")
    if [[ $previous == -* ]] && __kist_takes_value "$command" "$previous"; then
        __kist_option_value "$command" "$previous"
    elif [[ $__kist_word == -* ]]; then
        __kist_options "$command"
    else
        __kist_operands "$command"
    fi
}

complete -F __kist kist
)sh";

std::string case_of(const std::vector<std::string>& patterns, const std::string& body) {
    std::string text = "        ";
    std::string separator;
    for (const std::string& pattern : patterns) {
        text += separator + shell_quoted(pattern);
        separator = "|";
    }
    return text + ") " + body + " ;;\n";
}

std::string function(const std::string& name, const std::string& subject, const std::string& cases) {
    return name + "() {\n    case " + subject + " in\n" + cases + "    esac\n}\n";
}

/// One function over all commands: `line` gives the body for a command's options.
template <typename Line>
std::string over_options(const std::string& name, Line line) {
    std::string cases;
    const auto add = [&](const std::string& command, std::span<const OptionFacts> options) {
        for (const OptionFacts& option : options) {
            const std::string body = line(option);
            if (body.empty()) continue;
            std::vector<std::string> patterns;
            for (const std::string& spelling : spellings(option)) patterns.push_back(command + " " + spelling);
            cases += case_of(patterns, body);
        }
    };
    add("", global_options());
    for (const Command* command : commands()) add(std::string(command->name()), command->options);
    return function(name, "\"$1 $2\"", cases + "        *) return 1 ;;\n");
}

std::string option_lists() {
    std::string cases;
    const auto add = [&](const std::string& name, std::span<const OptionFacts> options) {
        std::string words = "--help";
        for (const OptionFacts& option : options)
            for (const std::string& spelling : spellings(option)) words += " " + spelling;
        cases += case_of({name}, "__kist_words " + shell_quoted(words));
    };
    add("", global_options());
    for (const Command* command : commands())
        if (command->section != Section::hidden) add(std::string(command->name()), command->options);
    return function("__kist_options", "\"$1\"", cases);
}

std::string operand_lists() {
    std::string cases = case_of({""}, "__kist_words " + shell_quoted(join(first_words(), " ")));
    for (const Noun& noun : nouns())
        cases += case_of({std::string(noun.name)}, "__kist_words " + shell_quoted(join(second_words(noun), " ")));
    for (const Command* command : commands()) {
        const std::string body = action(command->completes, command->words);
        if (command->section != Section::hidden && !body.empty())
            cases += case_of({std::string(command->name())}, body);
    }
    return function("__kist_operands", "\"$1\"", cases);
}

std::string canonical_names() {
    std::string cases;
    for (const Command* command : commands()) {
        if (spellings(*command).size() < 2) continue;
        cases += case_of(spellings(*command), "echo " + shell_quoted(command->name()));
    }
    return function("__kist_canonical", "\"$1\"", cases + "        *) echo \"$1\" ;;\n");
}

} // namespace

std::string bash_completion() {
    std::vector<std::string> noun_names;
    for (const Noun& noun : nouns()) noun_names.emplace_back(noun.name);
    return std::string(head) +
           function("__kist_is_noun", "\"$1\"", case_of(noun_names, "return 0") + "        *) return 1 ;;\n") +
           canonical_names() +
           over_options("__kist_takes_value",
                        [](const OptionFacts& o) { return std::string(o.value.empty() ? "" : "return 0"); }) +
           over_options("__kist_option_value", [](const OptionFacts& o) { return action(o.completes, o.words); }) +
           option_lists() + operand_lists() + std::string(tail);
}

} // namespace kist::cli
