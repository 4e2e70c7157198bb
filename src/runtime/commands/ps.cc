// SPDX-License-Identifier: Apache-2.0
// kist-oci ps: the host's numbers of a container's processes, or ps(1)'s lines about them.
#include <algorithm>

#include "base/error.hh"
#include "base/file.hh"
#include "base/process.hh"
#include "base/text.hh"
#include "cli/output.hh"
#include "runtime/command.hh"

namespace kist::runtime::command {
namespace {

struct Ps {
    std::string format = "table";
};
constexpr auto options = cli::sorted(std::to_array<cli::Option<Ps>>({
    {{"f,format", "NAME", "table or json", cli::Completes::words, "table|json"}, &Ps::format},
}));

constexpr std::size_t output_limit = 64u << 20;

std::string run_ps(const std::vector<std::string>& arguments) {
    Pipe pipe = make_pipe();
    std::vector<std::string> argv{"/bin/ps"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    Child child = spawn({.argv = argv, .env = {"PATH=/usr/bin:/bin"}, .fds = {{pipe.write.get(), 1}}});
    pipe.write.reset();
    std::string text = read_all(pipe.read, output_limit, "the output of ps");
    if (const ExitStatus status = child.wait(); status.code() != 0) throw Error("ps ended with code {}", status.code());
    return text;
}

std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words = split(line, ' ');
    std::erase(words, "");
    return words;
}

/// Lines whose number is one of `pids`, and the heading.
std::string filtered(const std::string& text, const std::vector<pid_t>& pids) {
    const std::vector<std::string> lines = split(text, '\n');
    const std::vector<std::string> heading = words_of(lines.empty() ? "" : lines.front());
    const auto column = std::find(heading.begin(), heading.end(), "PID");
    if (column == heading.end()) throw Error("the output of ps has no column PID");
    const auto at = static_cast<std::size_t>(column - heading.begin());
    std::string result = lines.front() + "\n";
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const std::vector<std::string> words = words_of(lines[i]);
        const auto pid = at < words.size() ? parse_unsigned(words[at], INT32_MAX) : std::nullopt;
        if (pid && std::find(pids.begin(), pids.end(), static_cast<pid_t>(*pid)) != pids.end())
            result += lines[i] + "\n";
    }
    return result;
}

int list_processes(const Call& call) {
    Ps given;
    auto operands = parse_into(given, options, call);
    const std::vector<pid_t> pids = call.store().open(operands.front()).cgroup().pids();
    operands.erase(operands.begin());
    if (given.format == "json") {
        cli::print_line("[" + fmt::format("{}", fmt::join(pids, ",")) + "]");
    } else if (given.format == "table") {
        if (operands.empty()) operands = {"-ef"};
        cli::print(filtered(run_ps(operands), pids));
    } else {
        throw UsageError("invalid value '{}' for --format: expected table or json", printable(given.format));
    }
    return 0;
}

} // namespace

const Command ps{.name = "ps",
                 .summary = "List the processes of a container",
                 .usage = "ID [PS-OPTION...]",
                 .operands = cli::operands::command,
                 .options = cli::facts_of<options>,
                 .run = list_processes};

} // namespace kist::runtime::command
