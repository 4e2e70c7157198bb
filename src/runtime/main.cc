// SPDX-License-Identifier: Apache-2.0
// kist-oci: the OCI runtime's command line, as containerd, CRI-O, conmon and Podman call it.
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/log.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "cli/help_layout.hh"
#include "cli/output.hh"
#include "runtime/command.hh"
#include "version.hh"

namespace kist::runtime {
namespace {

constexpr const Command* const commands[] = {
    &command::create, &command::start,   &command::state,  &command::kill,       &command::delete_container,
    &command::run,    &command::exec,    &command::list,   &command::ps,         &command::pause,
    &command::resume, &command::update,  &command::events, &command::checkpoint, &command::restore,
    &command::spec,   &command::features};

constexpr auto global_table = cli::sorted(std::to_array<cli::Option<Globals>>({
    {{"debug", "", "Show what is done"}, &Globals::debug},
    {{"log", "FILE", "Write errors here too", cli::Completes::file}, &Globals::log},
    {{"log-format", "NAME", "Form of the log: text or json (default text)", cli::Completes::words, "text|json"},
     &Globals::log_format},
    {{"root", "FOLDER", "Where the state of containers is kept (default /run/kist-oci)", cli::Completes::folder},
     &Globals::root},
    {{"rootless", "BOOL", "Only false and auto: containers are made by root", cli::Completes::words, "auto|false"},
     &Globals::rootless},
    {{"systemd-cgroup", "", "Have systemd make control groups, as scopes"}, &Globals::systemd_cgroup},
    {{"v,version", "", "Print the version"}, &Globals::version},
}));

std::string general_help() {
    cli::Rows rows;
    for (const Command* command : commands) rows.emplace_back(command->name, command->summary);
    return "Usage:  kist-oci [OPTIONS] COMMAND\n\nRuns containers from OCI bundles\n\nCommands:\n" +
           cli::two_columns(rows) + "\nOptions:\n" + cli::options_help(cli::facts_of<global_table>, false) +
           "\nRun 'kist-oci COMMAND --help' for more about a command.\n";
}

std::string usage_line(const Command& command) {
    std::string text = "kist-oci " + std::string(command.name);
    if (!command.options.empty()) text += " [OPTIONS]";
    if (!command.usage.empty()) text += " " + std::string(command.usage);
    return text;
}

std::string command_help(const Command& command) {
    return "Usage:  " + usage_line(command) + "\n\n" + std::string(command.summary) + "\n\nOptions:\n" +
           cli::options_help(command.options, false);
}

const Command& find_command(const std::string& name) {
    std::vector<std::string> names;
    for (const Command* command : commands) {
        if (command->name == name) return *command;
        names.emplace_back(command->name);
    }
    UsageError error("unknown command '{}'", printable(name));
    const std::vector<std::string> near = nearest(name, names);
    if (!near.empty()) error.with_hint("did you mean " + quoted_choice(near) + "?");
    throw error;
}

void check(const Globals& globals) {
    if (globals.log_format != "text" && globals.log_format != "json")
        throw UsageError("invalid value '{}' for --log-format: expected text or json", printable(globals.log_format));
    if (!globals.rootless.empty() && globals.rootless != "auto" && globals.rootless != "false")
        throw UsageError("--rootless={}: containers are made by root only", printable(globals.rootless));
    if (!globals.root.starts_with('/')) throw UsageError("--root '{}': not an absolute path", printable(globals.root));
}

int run(Globals& globals, const std::vector<std::string>& argv, const Command*& command) {
    const std::vector<std::string> rest =
        cli::parse_arguments("kist-oci", cli::bind(globals, global_table), {0, cli::Operands::any_number, true},
                             argv.empty() ? argv : std::vector<std::string>(argv.begin() + 1, argv.end()));
    if (globals.debug) log::set_level(log::Level::debug);
    if (globals.version) {
        cli::print_line("kist-oci version " KIST_VERSION "\nspec: 1.2.0");
        return 0;
    }
    if (rest.empty() || rest.front() == "help") {
        cli::print(general_help());
        return 0;
    }
    check(globals);
    command = &find_command(rest.front());
    const std::vector<std::string> args(rest.begin() + 1, rest.end());
    return command->run({globals, *command, args, argv});
}

std::string log_line(const Globals& globals, const std::string& text) {
    const std::string now = to_rfc3339(Moment::now());
    if (globals.log_format != "json") return fmt::format("time=\"{}\" level=error msg=\"{}\"\n", now, printable(text));
    Value line = Value::object();
    line.set("level", "error");
    line.set("msg", text);
    line.set("time", now);
    return json::dump(line) + "\n";
}

/// On standard error for people, in the log for the engine that called us. A log that cannot be written changes nothing.
void report(const Globals& globals, const Error& error) noexcept {
    try {
        const std::string text = error.message() + (error.hint().empty() ? "" : " (" + error.hint() + ")");
        cli::complain("kist-oci: " + text + "\n");
        if (globals.log.empty()) return;
        const Fd file{::open(globals.log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644)};
        if (file) write_full(file, log_line(globals, text), globals.log);
    } catch (const std::exception&) {
    }
}

/// Callers know 1 for "it failed"; what a shell would say of a command that cannot be run is kept.
int code_of(const Error& error) {
    const ExitCode code = error.exit_code();
    return code == ExitCode::not_found || code == ExitCode::not_executable ? static_cast<int>(code) : 1;
}

int guarded(const std::vector<std::string>& argv) {
    Globals globals;
    const Command* command = nullptr;
    try {
        return run(globals, argv, command);
    } catch (const cli::HelpRequested&) {
        cli::print(command != nullptr ? command_help(*command) : general_help());
        return 0;
    } catch (const UsageError& error) {
        report(globals, error);
        if (command != nullptr) cli::complain("Usage:  " + usage_line(*command) + "\n");
        return 1;
    } catch (const Error& error) {
        report(globals, error);
        return code_of(error);
    } catch (const std::bad_alloc&) {
        report(globals, Error("out of memory"));
    } catch (const std::exception& error) {
        report(globals, Error("internal error: {}", error.what()));
    }
    return 1;
}

/// Without this the first file that we open would become somebody's standard output.
void open_missing_standard_fds() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) < 0) ::_exit(1);
}

} // namespace
} // namespace kist::runtime

int main(int argc, char** argv) {
    kist::runtime::open_missing_standard_fds();
    return kist::runtime::guarded({argv, argv + argc});
}
