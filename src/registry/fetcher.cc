// SPDX-License-Identifier: Apache-2.0
// Starting kist-fetch and checking what it hands over.
#include "registry/fetcher.hh"

#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/signals.hh"
#include "base/socket.hh"
#include "base/text.hh"

namespace kist::registry {
namespace {

/// Only what steers a connection; anything else of the user's environment is none of that program's business.
std::vector<std::string> proxy_environment() {
    std::vector<std::string> env;
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"})
        if (const char* value = ::getenv(name); value != nullptr) env.push_back(std::string(name) + "=" + value);
    return env;
}

void check_digest(const std::string& what, const std::string& bytes, const std::string& wanted) {
    if (sha256(bytes).str() != wanted)
        throw Error("the registry's {} has the digest {}, not {}", what, sha256(bytes).str(), printable(wanted));
}

/// The text was parsed elsewhere; that it names what we were told it names is seen without parsing it again.
void check_named(const std::string& text, const std::string& digest) {
    if (!Digest::parse(digest)) throw Error("'{}' is no digest", printable(digest));
    if (text.find('"' + digest + '"') == std::string::npos) throw Error("the registry's manifest does not name {}", digest);
}

void check(const FoundImage& found, const std::string& reference) {
    const std::string& named = found.list_text.empty() ? found.manifest_text : found.list_text;
    if (reference.find(':') != std::string::npos) check_digest("manifest", named, reference);
    if (!found.list_text.empty()) {
        check_named(found.list_text, found.manifest_digest);
        check_digest("manifest", found.manifest_text, found.manifest_digest);
    }
    check_named(found.manifest_text, found.config_digest);
    for (const oci::Descriptor& layer : found.layers) check_named(found.manifest_text, layer.digest);
    check_digest("image configuration", found.config_text, found.config_digest);
    if (found.layers.size() != found.config.rootfs.diff_ids.size())
        throw Error("the manifest has {} layers, the configuration {}", found.layers.size(), found.config.rootfs.diff_ids.size());
    for (const oci::Descriptor& layer : found.layers)
        if (layer.size < 0) throw Error("layer {} has a negative size", layer.digest);
    for (const std::string& id : found.config.rootfs.diff_ids)
        if (!Digest::parse(id)) throw Error("'{}' is no layer digest", printable(id));
}

} // namespace

Fetcher::Fetcher(const std::string& program, const Setup& setup) {
    SocketPair sockets = make_socket_pair();
    const Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    if (!null) throw SysError("opening '/dev/null'");
    Spawn what;
    what.argv = {program};
    what.env = proxy_environment();
    what.fds = {{null.get(), STDIN_FILENO}, {null.get(), STDOUT_FILENO}, {sockets.second.get(), fetch_socket_fd}};
    child_ = spawn(what);
    socket_ = std::move(sockets.first);
    send_message(socket_, json::dump(to_value(setup, Write::everything)));
}

void Fetcher::ask(const Ask& what, const Fd& out) {
    send_message(socket_, json::dump(to_value(what)), {out.get()});
}

void Fetcher::finish() {
    const std::optional<Message> message = receive_message(socket_, packet_limit);
    if (!message) {
        const ExitStatus status = child_.wait();
        if (status.signal != 0) throw Error("kist-fetch was killed by {}", signal_name(status.signal));
        throw Error("kist-fetch ended with code {} without an answer", status.exit_code);
    }
    const auto answer = from_value<Answer>(json::parse(message->bytes, "answer of kist-fetch"), "answer of kist-fetch");
    if (!answer.error.empty()) throw Error("{}", answer.error).with_hint(answer.hint);
}

FoundImage Fetcher::image(const std::string& reference, const oci::Platform& platform) {
    Ask what;
    what.kind = "image";
    what.reference = reference;
    what.platform = platform;
    Pipe pipe = make_pipe();
    ask(what, pipe.write);
    pipe.write.reset();
    const std::string text = read_all(pipe.read, found_limit, "answer of kist-fetch");
    finish();
    auto found = from_value<FoundImage>(json::parse(text, "answer of kist-fetch", {.bytes = found_limit}), "answer of kist-fetch");
    check(found, reference);
    return found;
}

void Fetcher::begin_blob(const oci::Descriptor& blob, const Fd& out) {
    Ask what;
    what.kind = "blob";
    what.reference = blob.digest;
    what.size = blob.size;
    ask(what, out);
}

} // namespace kist::registry
