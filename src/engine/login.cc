// SPDX-License-Identifier: Apache-2.0
// Asking the registry whether it knows the user, and keeping the credential if so.
#include "engine/login.hh"

#include "base/text.hh"
#include "registry/auth_document.hh"
#include "registry/credentials.hh"
#include "registry/fetcher.hh"
#include "storage/programs.hh"

namespace kist::engine {
namespace {

std::string host_of(const std::string& registry) { return registry.substr(0, registry.find('/')); }

void try_login(const registry::Setup& setup) {
    registry::Fetcher fetcher(storage::program_path("kist-fetch"), setup);
    registry::Ask ask;
    ask.kind = "ping";
    fetcher.call(ask);
}

} // namespace

std::string parse_registry(const std::string& text) {
    const std::string key = registry::auth_key(text.empty() ? "docker.io" : text);
    const auto name = storage::Reference::try_parse(key + "/x");
    if (!name || name->domain != host_of(key))
        throw UsageError("'{}' is no registry: it is HOST or HOST:PORT", printable(text));
    return key;
}

LoginResult login(Engine& engine, const std::string& registry, const std::string& user, const std::string& password,
                  const RegistryOptions& options) {
    registry::guard_secrets();
    try {
        registry::Setup setup = make_setup(engine.config(), host_of(registry), "", options);
        setup.user = user;
        setup.password = password;
        try_login(setup);
        LoginResult result;
        result.place = registry::store_credential(registry, options.authfile, {user, password, ""});
        result.is_plain = registry::is_plain_place(options.authfile);
        return result;
    } catch (Error& error) {
        error.while_doing("logging in to '{}'", registry).with_exit_code(ExitCode::failure);
        throw;
    }
}

std::optional<KnownLogin> find_login(const std::string& registry, const RegistryOptions& options) {
    const auto slash = registry.find('/');
    const std::string path = slash == std::string::npos ? "" : registry.substr(slash + 1);
    const auto found = registry::find_credential({host_of(registry), path, options.authfile}, options.warn);
    if (!found) return std::nullopt;
    return KnownLogin{found->credential.identity_token.empty() ? found->credential.user : "<token>", found->place};
}

bool is_accepted(Engine& engine, const std::string& registry, const RegistryOptions& options) {
    registry::Setup setup = make_setup(engine.config(), host_of(registry), "", options);
    add_credential(setup, host_of(registry), options);
    try {
        try_login(setup);
        return true;
    } catch (const registry::Refusal& refusal) {
        if (refusal.denied) return false;
        throw;
    }
}

bool logout(const std::string& registry, const RegistryOptions& options) {
    return registry::erase_credential(registry, options.authfile);
}

std::vector<std::string> logins(const RegistryOptions& options) {
    return registry::stored_registries(options.authfile);
}

void rotate_login_key() { registry::rotate_key(); }

} // namespace kist::engine
