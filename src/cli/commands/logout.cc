// SPDX-License-Identifier: Apache-2.0
// kist logout: forgets what login stored.
#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "engine/login.hh"

namespace kist::cli::command {
namespace {

struct Logout : engine::RegistryOptions {
    bool all = false;
};

constexpr auto options = std::to_array<Option<Logout>>({
    {{"a,all", "", "Forget the credentials of all registries"}, &Logout::all},
    {{"authfile", "FILE", "Remove the credential from FILE", Completes::file}, &Logout::authfile},
});

int log_out(Session& session) {
    Logout o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    if (o.all && !operands.empty()) throw UsageError("--all goes without a registry");
    session.engine();
    const std::vector<std::string> registries =
        o.all ? engine::logins(o) : std::vector{engine::parse_registry(operands.empty() ? "" : operands.front())};
    return for_each(registries, [&](const std::string& registry) {
        if (!engine::logout(registry, o))
            throw Error("not logged in to {}", registry).with_exit_code(ExitCode::failure);
        print_line("Removed login credentials for " + registry);
    });
}

} // namespace

const Command logout{.path = "logout",
                     .shortcut = "",
                     .alias = "",
                     .summary = "Forget the credentials of a registry",
                     .usage = "[REGISTRY]",
                     .section = Section::image,
                     .operands = operands::at_most_one,
                     .options = facts_of<options>,
                     .run = log_out};

} // namespace kist::cli::command
