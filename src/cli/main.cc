// SPDX-License-Identifier: Apache-2.0
// kist: finds the command, runs it, prints the error. The only place that turns an exception into an exit code.
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "cli/commands.hh"
#include "cli/help.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "version.hh"

namespace kist::cli {
namespace {

/// Without this the first file that we open would become somebody's standard output.
void open_missing_standard_fds() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) < 0)
            ::_exit(static_cast<int>(ExitCode::engine));
}

/// Wrong use of a command also gets its usage line, and where to read more.
void print_usage_error(const UsageError& error, const Command* command) {
    print_error(error);
    const std::string name = command != nullptr ? "kist " + std::string(command->name()) : "kist";
    const std::string usage = command != nullptr ? "Usage:  " + usage_line(*command) + "\n" : "";
    complain(usage + "See '" + name + " --help'.\n");
}

int run(const std::vector<std::string>& argv, const Command*& command) {
    GlobalArguments globals;
    const std::vector<std::string> rest =
        parse_globals(globals, argv.empty() ? argv : std::vector<std::string>(argv.begin() + 1, argv.end()));
    if (globals.debug) globals.log_level = "debug";
    if (globals.version) {
        print_line("kist version " KIST_VERSION);
        return 0;
    }
    if (rest.empty()) {
        print(general_help());
        return 0;
    }
    const Found found = find_command(rest);
    if (found.command == nullptr) {
        print(noun_help(*found.noun));
        return 0;
    }
    command = found.command;
    Session session(globals, *command, {rest.begin() + static_cast<std::ptrdiff_t>(found.words), rest.end()}, argv);
    return command->run(session);
}

int guarded(const std::vector<std::string>& argv) {
    const Command* command = nullptr;
    try {
        return run(argv, command);
    } catch (const HelpRequested&) {
        print(command != nullptr ? command_help(*command) : general_help());
        return 0;
    } catch (const UsageError& error) {
        print_usage_error(error, command);
        return static_cast<int>(error.exit_code());
    }
}

} // namespace
} // namespace kist::cli

int main(int argc, char** argv) {
    using namespace kist;
    cli::open_missing_standard_fds();
    try {
        return cli::guarded({argv, argv + argc});
    } catch (const Error& error) {
        cli::print_error(error);
        return static_cast<int>(error.exit_code());
    } catch (const std::bad_alloc&) {
        cli::print_error(Error("out of memory"));
    } catch (const std::exception& error) {
        cli::print_error(Error("internal error: {}", error.what()));
    }
    return static_cast<int>(ExitCode::engine);
}
