// SPDX-License-Identifier: Apache-2.0
// Secrets from a person or a pipe, never from the command line if it can be helped.
#include <termios.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/fd.hh"
#include "base/file.hh"
#include "cli/output.hh"
#include "cli/registry_options.hh"

namespace kist::cli {
namespace {

constexpr std::size_t longest_line = 64u << 10;

/// Echo comes back however this ends, but for a kill.
class NoEcho {
public:
    NoEcho() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0)
            throw Error("cannot ask for a password: standard input is no terminal").with_hint("use --password-stdin");
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;
    ~NoEcho() { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_); }

private:
    termios before_{};
};

} // namespace

std::string ask_line(std::string_view prompt) {
    complain(prompt);
    std::string line;
    char c = 0;
    while (line.size() < longest_line && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

std::string ask_password() {
    const NoEcho quiet;
    std::string password = ask_line("Password: ");
    complain("\n");
    return password;
}

std::string read_password() {
    const Fd in = Fd{::dup(STDIN_FILENO)};
    std::string password = read_all(in, longest_line, "standard input");
    if (password.ends_with('\n')) password.pop_back();
    if (password.ends_with('\r')) password.pop_back();
    return password;
}

void complete_creds(engine::RegistryOptions& options) {
    options.warn = print_warning;
    if (!options.creds.empty() && options.creds.find(':') == std::string::npos) options.creds += ":" + ask_password();
}

} // namespace kist::cli
