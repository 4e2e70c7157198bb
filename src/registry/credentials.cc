// SPDX-License-Identifier: Apache-2.0
// The order of places: --authfile, REGISTRY_AUTH_FILE, ~/.kist, Podman's files, Docker's file.
#include "registry/credentials.hh"

#include <cstdlib>

#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/lock.hh"
#include "registry/auth_document.hh"
#include "registry/credential_helper.hh"
#include "registry/credential_store.hh"

namespace kist::registry {
namespace {

constexpr std::size_t file_limit = 4u << 20;

std::string environment(const char* name) {
    const char* value = ::getenv(name);
    return value != nullptr ? value : "";
}
std::string home() {
    const std::string home = environment("HOME");
    return home.starts_with('/') ? home : "/root";
}
std::string chosen_file(const std::string& authfile) {
    return authfile.empty() ? environment("REGISTRY_AUTH_FILE") : authfile;
}
CredentialStore own_store() { return CredentialStore(home() + "/.kist"); }

/// Podman's and Docker's, which are only read.
std::vector<std::string> foreign_files() {
    const std::string runtime = environment("XDG_RUNTIME_DIR"), config = environment("XDG_CONFIG_HOME"),
                      docker = environment("DOCKER_CONFIG");
    return {
        (runtime.empty() ? "/run/containers/" + std::to_string(::geteuid()) : runtime + "/containers") + "/auth.json",
        (config.empty() ? home() + "/.config" : config) + "/containers/auth.json",
        (docker.empty() ? home() + "/.docker" : docker) + "/config.json"};
}

std::optional<Value> read_document(const std::string& path) {
    const auto text = read_file_if_exists(path, file_limit);
    if (!text) return std::nullopt;
    return json::parse(*text, path, {.bytes = file_limit});
}

class Search {
public:
    Search(const CredentialQuery& query, const Warn& warn) : query_(query), warn_(warn) {}

    /// True when the search is over, with or without a credential.
    bool in_helpers(const Value& document, bool for_all) {
        const std::string suffix = for_all ? helper_for_all(document) : helper_for(document, query_.host);
        if (suffix.empty()) return false;
        try {
            if (auto found = ask_helper(suffix, query_.host))
                result = FoundCredential{std::move(*found), "docker-credential-" + suffix};
        } catch (const Error& error) {
            warn_(error.message() + ": no credential is sent");
            return true;
        }
        return result.has_value();
    }
    bool in_document(const std::string& path, const Value& document) {
        if (in_helpers(document, false)) return true;
        for (const std::string& key : matching_keys(document, query_.host, query_.repository))
            if (auto found = read_entry(*document.find("auths")->find(key))) {
                result = FoundCredential{std::move(*found), path};
                return true;
            }
        return in_helpers(document, true);
    }
    bool in_own_store() {
        const CredentialStore store = own_store();
        const Value document = store.read();
        if (in_helpers(document, false)) return true;
        try {
            if (auto found = store.find(query_.host, query_.repository)) {
                result = FoundCredential{std::move(*found), store.file()};
                return true;
            }
        } catch (const SealedEntry& error) {
            warn_(error.message());
            return true;
        }
        return in_helpers(document, true);
    }

    std::optional<FoundCredential> result;

private:
    const CredentialQuery& query_;
    const Warn& warn_;
};

/// An authfile keeps what else is in it: it may be Docker's own.
template <typename Change>
void change_file(const std::string& path, Change change) {
    const auto slash = path.rfind('/');
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    const Dir folder = Dir::create(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash), 0700);
    const FileLock lock = FileLock::acquire(folder, name + ".lock");
    Value document = read_document(path).value_or(Value::object());
    if (!document.is_object()) throw Error("{}: expected an object", path);
    if (const Value* auths = document.find("auths"); auths == nullptr || !auths->is_object())
        document.set("auths", Value::object());
    change(document.find("auths")->as_object());
    write_atomically(folder, name, json::dump_pretty(document) + "\n", Durability::durable);
    folder.remove_file(name + ".lock");
}

/// What Docker calls Docker Hub; any other registry is its host.
std::string file_key(const std::string& host) { return auth_key(host) == "docker.io" ? "docker.io" : host; }

std::string helper_of_own_store(const std::string& host) {
    const Value document = own_store().read();
    const std::string suffix = helper_for(document, host);
    return suffix.empty() ? helper_for_all(document) : suffix;
}

} // namespace

void guard_secrets() {
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) throw SysError("keeping secrets out of core files");
}

std::optional<FoundCredential> find_credential(const CredentialQuery& query, const Warn& warn) {
    guard_secrets();
    Search search(query, warn);
    if (const std::string path = chosen_file(query.authfile); !path.empty()) {
        const auto document = read_document(path);
        if (!document && !query.authfile.empty()) throw Error("the credential file '{}' does not exist", path);
        if (document) search.in_document(path, *document);
        return std::move(search.result);
    }
    if (search.in_own_store()) return std::move(search.result);
    for (const std::string& path : foreign_files()) {
        std::optional<Value> document;
        try {
            document = read_document(path);
        } catch (const Error& error) { // somebody else's file
            warn(error.message());
        }
        if (document && search.in_document(path, *document)) break;
    }
    return std::move(search.result);
}

std::string store_credential(const std::string& host, const std::string& authfile, const Credential& credential) {
    if (const std::string path = chosen_file(authfile); !path.empty()) {
        change_file(path, [&](Value::Object& auths) {
            std::erase_if(auths, [&](const auto& member) { return auth_key(member.first) == auth_key(host); });
            auths.emplace_back(file_key(host), plain_entry(credential));
        });
        return path;
    }
    if (const std::string suffix = helper_of_own_store(host); !suffix.empty()) {
        tell_helper(suffix, host, credential);
        return "docker-credential-" + suffix;
    }
    CredentialStore store = own_store();
    store.put(auth_key(host), credential);
    return store.file();
}

bool is_plain_place(const std::string& authfile) { return !chosen_file(authfile).empty(); }

bool erase_credential(const std::string& host, const std::string& authfile) {
    if (const std::string path = chosen_file(authfile); !path.empty()) {
        std::size_t removed = 0;
        if (!read_document(path)) return false;
        change_file(path, [&](Value::Object& auths) {
            removed =
                std::erase_if(auths, [&](const auto& member) { return auth_key(member.first) == auth_key(host); });
        });
        return removed != 0;
    }
    const std::string suffix = helper_of_own_store(host);
    const bool erased = own_store().erase(auth_key(host));
    return (!suffix.empty() && erase_from_helper(suffix, host)) || erased;
}

std::vector<std::string> stored_registries(const std::string& authfile) {
    const std::string path = chosen_file(authfile);
    if (path.empty()) return own_store().keys();
    std::vector<std::string> keys;
    const auto document = read_document(path);
    if (const Value* auths = document ? document->find("auths") : nullptr; auths != nullptr && auths->is_object())
        for (const auto& [key, entry] : auths->as_object()) keys.push_back(auth_key(key));
    return keys;
}

void rotate_key() {
    guard_secrets();
    own_store().rotate();
}

} // namespace kist::registry
