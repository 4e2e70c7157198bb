// SPDX-License-Identifier: Apache-2.0
// One question, one answer, bounded in size and time.
#include "registry/credential_helper.hh"

#include <cstdlib>

#include <poll.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/process.hh"
#include "base/text.hh"
#include "registry/auth_document.hh"

namespace kist::registry {
namespace {

constexpr std::size_t answer_limit = 1u << 20;
constexpr int longest_answer_ms = 60'000;

struct HelperAnswer {
    std::string text;
    bool failed = false;
};

std::string find_program(const std::string& name) {
    const char* path = ::getenv("PATH");
    for (const std::string& folder : split(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin", ':')) {
        const std::string candidate = folder + "/" + name;
        if (folder.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    throw Error("the credential helper '{}' is not in PATH", name);
}

std::vector<std::string> own_environment() {
    std::vector<std::string> env;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) env.emplace_back(*entry);
    return env;
}

HelperAnswer call(const std::string& suffix, const std::string& act, const std::string& question) {
    const std::string name = "docker-credential-" + suffix;
    Pipe in = make_pipe(), out = make_pipe();
    Spawn what;
    what.argv = {find_program(name), act};
    what.env = own_environment();
    what.fds = {{in.read.get(), STDIN_FILENO}, {out.write.get(), STDOUT_FILENO}};
    Child child = spawn(what);
    in.read.reset();
    out.write.reset();
    write_full(in.write, question, name); // at most a few KiB: the pipe takes it whole
    in.write.reset();
    pollfd wait{out.read.get(), POLLIN, 0};
    if (::poll(&wait, 1, longest_answer_ms) == 0) throw Error("the credential helper '{}' does not answer", name);
    HelperAnswer answer;
    answer.text = read_all(out.read, answer_limit, name);
    answer.failed = child.wait().code() != 0;
    return answer;
}

bool has_none(const HelperAnswer& answer) {
    return answer.failed && answer.text.find("credentials not found") != std::string::npos;
}

/// Docker Hub is filed under the address of its first version.
std::string server_url(const std::string& host) {
    return auth_key(host) == "docker.io" ? "https://index.docker.io/v1/" : auth_key(host);
}

} // namespace

std::optional<Credential> ask_helper(const std::string& suffix, const std::string& host) {
    const HelperAnswer answer = call(suffix, "get", server_url(host));
    if (has_none(answer)) return std::nullopt;
    // What it printed is not shown: it may be a part of the secret.
    if (answer.failed) throw Error("the credential helper 'docker-credential-{}' failed", suffix);
    const Value document = json::parse(answer.text, "answer of docker-credential-" + suffix, {.bytes = answer_limit});
    const Value* user = document.find("Username");
    const Value* secret = document.find("Secret");
    if (user == nullptr || secret == nullptr || !user->is_string() || !secret->is_string())
        throw Error("the credential helper 'docker-credential-{}' gives no Username and Secret", suffix);
    Credential credential;
    if (user->as_string() == "<token>") credential.identity_token = secret->as_string();
    else credential = {user->as_string(), secret->as_string(), ""};
    if (credential.empty()) return std::nullopt;
    return credential;
}

void tell_helper(const std::string& suffix, const std::string& host, const Credential& credential) {
    Value document = Value::object();
    document.set("ServerURL", server_url(host));
    document.set("Username", credential.identity_token.empty() ? credential.user : "<token>");
    document.set("Secret", credential.identity_token.empty() ? credential.password : credential.identity_token);
    if (call(suffix, "store", json::dump(document)).failed)
        throw Error("the credential helper 'docker-credential-{}' did not store the credential", suffix);
}

bool erase_from_helper(const std::string& suffix, const std::string& host) {
    const HelperAnswer answer = call(suffix, "erase", server_url(host));
    if (answer.failed && !has_none(answer)) throw Error("the credential helper 'docker-credential-{}' failed", suffix);
    return !answer.failed;
}

} // namespace kist::registry
