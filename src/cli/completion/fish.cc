// SPDX-License-Identifier: Apache-2.0
// The script for fish: one `complete` line an option.
#include "base/text.hh"
#include "cli/completion/scripts.hh"

namespace kist::cli {
namespace {

std::string fish_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "'";
}

std::string action(Completes what, std::string_view words) {
    switch (what) {
    case Completes::nothing: return "";
    case Completes::file: return " --force-files";
    case Completes::folder: return " -a '(__fish_complete_directories)'";
    case Completes::container: return " -a '(__kist_containers --all)'";
    case Completes::running_container: return " -a '(__kist_containers)'";
    case Completes::image: return " -a '(__kist_images)'";
    case Completes::volume: return " -a '(__kist_volumes)'";
    case Completes::network: return " -a '(__kist_networks)'";
    case Completes::signal: return " -a 'HUP INT QUIT KILL USR1 USR2 TERM CONT STOP WINCH'";
    case Completes::words: return " -a " + fish_quoted(join(split(words, '|'), " "));
    case Completes::command: return " -a " + fish_quoted(join(first_words(), " "));
    }
    return "";
}

constexpr std::string_view head = R"sh(# fish completion for kist, made by `kist completion fish`

function __kist_containers
    kist ps $argv --format '{{.Names}}' 2>/dev/null
end
function __kist_images
    kist images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null
end
function __kist_volumes
    kist volume ls -q 2>/dev/null
end
function __kist_networks
    kist network ls --format '{{.Name}}' 2>/dev/null
end
# The words of the command line that are no options, joined: "container ls web".
function __kist_words
    set -l words
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; or set -a words $word
    end
    string join ' ' -- $words
end
function __kist_is
    set -l words (__kist_words)
    for name in $argv
        test "$words" = "$name"; and return 0
        string match -q -- "$name *" "$words"; and return 0
    end
    return 1
end
function __kist_stands_at
    test (__kist_words) = "$argv[1]"
end

complete -c kist -f
)sh";

std::string line(const std::string& condition, const std::string& rest) {
    return "complete -c kist -n " + fish_quoted(condition) + rest + "\n";
}

std::string option_line(const std::string& condition, const OptionFacts& option) {
    std::string text;
    if (option.letter() != '\0') text += std::string(" -s ") + option.letter();
    for (const std::string& name : split(option.long_names(), ',')) text += " -l " + name;
    text += " -d " + fish_quoted(option.help);
    if (!option.value.empty()) text += " -x" + action(option.completes, option.words);
    return line(condition, text);
}

} // namespace

std::string fish_completion() {
    std::string text(head);
    for (const OptionFacts& option : global_options()) text += option_line("__kist_stands_at ''", option);
    for (const Noun& noun : nouns())
        text += line("__kist_stands_at ''", " -a " + std::string(noun.name) + " -d " + fish_quoted(noun.summary));
    for (const Command* command : commands()) {
        if (command->section == Section::hidden) continue;
        std::string condition = "__kist_is";
        for (const std::string& spelling : spellings(*command)) {
            condition += " \"" + spelling + "\"";
            const std::size_t blank = spelling.find(' ');
            const std::string before = blank == std::string::npos ? "" : spelling.substr(0, blank);
            text += line("__kist_stands_at '" + before + "'",
                         " -a " + spelling.substr(blank == std::string::npos ? 0 : blank + 1) + " -d " +
                             fish_quoted(command->summary));
        }
        for (const OptionFacts& option : command->options) text += option_line(condition, option);
        const std::string operands = action(command->completes, command->words);
        if (!operands.empty()) text += line(condition, operands);
    }
    return text;
}

} // namespace kist::cli
