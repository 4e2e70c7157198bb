// SPDX-License-Identifier: Apache-2.0
// Starting kist-fetch and checking what it hands over.
#include "registry/fetcher.hh"

#include <csignal>
#include <cstdlib>

#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/signals.hh"
#include "base/socket.hh"
#include "base/text.hh"
#include "registry/proxy.hh"

namespace kist::registry {
namespace {

/// Only what steers a connection; anything else of the user's environment is none of that program's business.
std::vector<std::string> proxy_environment() {
    std::vector<std::string> env;
    for (const std::string& name : proxy_variables())
        if (const char* value = ::getenv(name.c_str()); value != nullptr) env.push_back(name + "=" + value);
    return env;
}

void check_digest(const std::string& what, const std::string& bytes, const std::string& wanted) {
    if (sha256(bytes).str() != wanted)
        throw Error("the registry's {} has the digest {}, not {}", what, sha256(bytes).str(), printable(wanted));
}

/// The text was parsed elsewhere; that it names what we were told it names is seen without parsing it again.
void check_named(const std::string& text, const std::string& digest) {
    if (!Digest::parse(digest)) throw Error("'{}' is no digest", printable(digest));
    if (text.find('"' + digest + '"') == std::string::npos)
        throw Error("the registry's manifest does not name {}", digest);
}

void check(const FoundImage& found, const std::string& reference, const std::string& known) {
    const std::string& named = found.list_text.empty() ? found.manifest_text : found.list_text;
    if (reference.find(':') != std::string::npos) check_digest("manifest", named, reference);
    if (!found.said_digest.empty()) check_digest("manifest", named, found.said_digest);
    if (!found.list_text.empty()) {
        check_named(found.list_text, found.manifest_digest);
        check_digest("manifest", found.manifest_text, found.manifest_digest);
    }
    if (found.config_digest.empty()) return check_digest("manifest", found.manifest_text, known);
    check_named(found.manifest_text, found.config_digest);
    for (const oci::Descriptor& layer : found.layers) check_named(found.manifest_text, layer.digest);
    check_digest("image configuration", found.config_text, found.config_digest);
    if (found.layers.size() != found.config.rootfs.diff_ids.size())
        throw Error("the manifest has {} layers, the configuration {}", found.layers.size(),
                    found.config.rootfs.diff_ids.size());
    for (const oci::Descriptor& layer : found.layers)
        if (layer.size < 0) throw Error("layer {} has a negative size", layer.digest);
    for (const std::string& id : found.config.rootfs.diff_ids)
        if (!Digest::parse(id)) throw Error("'{}' is no layer digest", printable(id));
}

/// kist-fetch may stop reading and then says why: that is no signal for us.
void write_to_reader(const Fd& pipe, std::string_view bytes) {
    const SignalMask mask{SIGPIPE};
    try {
        write_full(pipe, bytes, "kist-fetch");
    } catch (const SysError& error) {
        if (error.code != EPIPE) throw;
        const timespec at_once{};
        ::sigtimedwait(&mask.blocked(), nullptr, &at_once);
    }
}

} // namespace

Fetcher::Fetcher(const std::string& program, const Setup& setup) {
    SocketPair sockets = make_socket_pair();
    const Fd null = open_null();
    Spawn what;
    what.argv = {program};
    what.env = proxy_environment();
    what.fds = {{null.get(), STDIN_FILENO}, {null.get(), STDOUT_FILENO}, {sockets.second.get(), fetch_socket_fd}};
    child_ = spawn(what);
    socket_ = std::move(sockets.first);
    send_message(socket_, json::dump(to_value(setup, Write::everything)));
}

void Fetcher::report_death() {
    const std::lock_guard guard(mutex_);
    if (child_.pid() <= 0) throw Error("kist-fetch has ended");
    const ExitStatus status = child_.wait();
    if (status.signal != 0) throw Error("kist-fetch was killed by {}", signal_name(status.signal));
    throw Error("kist-fetch ended with code {} without an answer", status.exit_code);
}

void Fetcher::stop() {
    const std::lock_guard guard(mutex_);
    if (child_.pid() > 0) child_.signal(SIGKILL);
}

Fetcher::Pending Fetcher::begin(const Ask& what, const Fd& data) {
    SocketPair channel = make_socket_pair();
    send_message(socket_, json::dump(to_value(what)), {data.get(), channel.second.get()});
    return {*this, std::move(channel.first)};
}

Answer Fetcher::Pending::finish() {
    const std::optional<Message> message = receive_message(channel_, packet_limit);
    if (!message) fetcher_->report_death();
    auto answer = from_value<Answer>(json::parse(message->bytes, "answer of kist-fetch"), "answer of kist-fetch");
    if (!answer.error.empty()) throw Refusal(answer);
    return answer;
}

void Fetcher::Pending::end_upload(const std::string& digest) const {
    UploadEnd end;
    end.digest = digest;
    try {
        send_message(channel_, json::dump(to_value(end)));
    } catch (const SysError&) { // it has answered already, or is dead: finish() tells
    }
}

std::string Fetcher::bytes(const Ask& what, std::size_t limit, Answer* answer) {
    Pipe pipe = make_pipe();
    Pending pending = begin(what, pipe.write);
    pipe.write.reset();
    std::string text = read_all(pipe.read, limit, "answer of kist-fetch");
    Answer end = pending.finish();
    if (answer != nullptr) *answer = std::move(end);
    return text;
}

Answer Fetcher::send(const Ask& what, std::string_view bytes) {
    Pipe pipe = make_pipe();
    Pending pending = begin(what, pipe.read);
    pipe.read.reset();
    write_to_reader(pipe.write, bytes);
    pipe.write.reset();
    return pending.finish();
}

Answer Fetcher::call(const Ask& what) {
    const Fd null = open_null();
    return begin(what, null).finish();
}

FoundImage Fetcher::image(const std::string& reference, const oci::Platform& platform, const std::string& known) {
    Ask what;
    what.kind = "image";
    what.reference = reference;
    what.platform = platform;
    if (!known.empty()) what.from = {known};
    const std::string text = bytes(what, found_limit);
    auto found = from_value<FoundImage>(json::parse(text, "answer of kist-fetch", {.bytes = found_limit}),
                                        "answer of kist-fetch");
    check(found, reference, known);
    return found;
}

FoundManifest Fetcher::describe(const std::string& reference) {
    Ask what;
    what.kind = "describe";
    what.reference = reference;
    const std::string text = bytes(what, found_limit);
    auto found = from_value<FoundManifest>(json::parse(text, "answer of kist-fetch", {.bytes = found_limit}),
                                           "answer of kist-fetch");
    if (reference.find(':') != std::string::npos) check_digest("manifest", found.text, reference);
    if (!found.said_digest.empty()) check_digest("manifest", found.text, found.said_digest);
    for (const auto* list : {&found.entries, &found.blobs})
        for (const oci::Descriptor& named : *list) {
            check_named(found.text, named.digest);
            if (named.size < 0) throw Error("'{}' has a negative size", named.digest);
        }
    return found;
}

} // namespace kist::registry
