// SPDX-License-Identifier: Apache-2.0
// kist login: a user's name and password for a registry.
#include "engine/login.hh"

#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"

namespace kist::cli::command {
namespace {

struct Login : engine::RegistryOptions {
    std::string username;
    std::optional<std::string> password;
    bool password_stdin = false, get_login = false, rotate_key = false, verbose = false;
};

constexpr auto options = std::to_array<Option<Login>>({
    {{"authfile", "FILE", "Store the credential in FILE, unencrypted, as Podman does", Completes::file},
     &Login::authfile},
    {{"cert-dir", "FOLDER", "Certificates (*.crt, *.cert, *.key) are in FOLDER", Completes::folder}, &Login::cert_dir},
    {{"get-login", "", "Print the user that is logged in, and do nothing else"}, &Login::get_login},
    {{"p,password", "PASSWORD", "The password; others can see it: prefer --password-stdin"}, &Login::password},
    {{"password-stdin", "", "Read the password from standard input"}, &Login::password_stdin},
    {{"rotate-key", "", "Encrypt all stored credentials with a new key"}, &Login::rotate_key},
    {{"tls-verify", "", "Check the registry's certificate (default true)"}, &Login::tls_verify},
    {{"u,username", "USER", "The user's name"}, &Login::username},
    {{"v,verbose", "", "Say where the credential is stored"}, &Login::verbose},
});

int get_login(const std::string& registry, const Login& o) {
    const auto known = engine::find_login(registry, o);
    if (!known) throw Error("not logged in to {}", registry).with_exit_code(ExitCode::failure);
    print_line(known->user);
    return 0;
}

void check(const Login& o, const std::vector<std::string>& operands) {
    if (o.password && o.password_stdin) throw UsageError("--password and --password-stdin exclude each other");
    if (o.password_stdin && o.username.empty()) throw UsageError("--password-stdin needs --username");
    if (o.rotate_key && (!operands.empty() || o.password || o.password_stdin || !o.username.empty()))
        throw UsageError("--rotate-key goes with no other option and no registry");
}

/// As Docker does: without a user's name, what is stored is tried first.
bool uses_stored(engine::Engine& engine, const std::string& registry, const Login& o) {
    if (!o.username.empty() || o.password || !engine::find_login(registry, o)) return false;
    complain("Authenticating with existing credentials for " + registry + "\n");
    return engine::is_accepted(engine, registry, o);
}

int log_in(Session& session) {
    Login o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    check(o, operands);
    o.warn = print_warning;
    const std::string registry = engine::parse_registry(operands.empty() ? "" : operands.front());
    engine::Engine& engine = session.engine();
    if (o.rotate_key) {
        engine::rotate_login_key();
        return 0;
    }
    if (o.get_login) return get_login(registry, o);
    if (!uses_stored(engine, registry, o)) {
        if (o.password) print_warning("a password on the command line can be seen by others: use --password-stdin");
        if (o.username.empty()) o.username = ask_line("Username: ");
        if (o.username.empty()) throw UsageError("a user's name is needed");
        const std::string password = o.password_stdin ? read_password() : o.password ? *o.password : ask_password();
        if (password.empty()) throw UsageError("a password is needed");
        const engine::LoginResult result = engine::login(engine, registry, o.username, password, o);
        if (o.verbose) print_line("Used: " + result.place);
        if (result.is_plain) print_warning("the password is stored unencrypted in '" + result.place + "'");
    }
    print_line("Login Succeeded");
    return 0;
}

} // namespace

const Command login{.path = "login",
                    .shortcut = "",
                    .alias = "",
                    .summary = "Log in to a registry",
                    .usage = "[REGISTRY]",
                    .section = Section::image,
                    .operands = operands::at_most_one,
                    .options = facts_of<options>,
                    .run = log_in};

} // namespace kist::cli::command
