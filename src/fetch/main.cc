// SPDX-License-Identifier: Apache-2.0
// kist-fetch: the only program of kist that talks to registries. Started by kist (registry/fetcher.cc), never by a user; it
// serves the requests of registry/fetch_protocol.hh and ends with its socket.
#include <cstdio>
#include <optional>
#include <thread>

#include <curl/curl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/socket.hh"
#include "base/text.hh"
#include "fetch/confine.hh"
#include "fetch/image.hh"
#include "fetch/listing.hh"
#include "fetch/refusal.hh"
#include "fetch/upload.hh"

namespace kist::fetch {
namespace {

constexpr std::size_t authorities_limit = 8u << 20;

/// As Docker and containers lay these folders out: authorities in *.crt, a client certificate in X.cert with its key in X.key.
void read_folder(const std::string& path, Trust& trust) {
    const auto folder = Dir::open_if_exists(path);
    if (!folder) return;
    for (const std::string& name : folder->names()) {
        if (name.ends_with(".crt")) trust.authorities += "\n" + read_file(*folder, name, authorities_limit);
        if (!name.ends_with(".cert")) continue;
        const std::string key = name.substr(0, name.size() - 5) + ".key";
        auto text = read_file_if_exists(*folder, key, authorities_limit);
        if (!text)
            throw Error("the client certificate '{}' has no key '{}' beside it", folder->path_of(name), key)
                .with_hint("the certificate of an authority is called *.crt");
        trust.client_cert = read_file(*folder, name, authorities_limit);
        trust.client_key = std::move(*text);
    }
}

/// Read while there is a file system. A folder's own authorities come besides the system's.
Trust read_trust(const registry::Setup& setup) {
    Trust trust;
    trust.verify = setup.verify_tls;
    if (setup.plain_http) return trust;
    for (const char* path :
         {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"})
        if (auto text = read_file_if_exists(path, authorities_limit); text && trust.authorities.empty())
            trust.authorities = *text;
    for (const std::string& folder : setup.cert_folders) read_folder(folder, trust);
    return trust;
}

void ping(Session& session) {
    Request request;
    request.url = session.url("/v2/");
    const Response response = session.repeat(request);
    if (!response.failure.empty() || response.status != 200) session.refuse(response, "/v2/");
}

std::string text_of(const std::vector<std::string>& names) {
    Value list = Value::list();
    for (const std::string& name : names) list.push(name);
    return json::dump(list);
}

registry::Answer serve(Session& session, const registry::Ask& ask, Fd data, const Fd& channel) {
    registry::Answer answer;
    const auto put = [&](const std::string& bytes) { write_full(data, bytes, "the answer"); };
    if (ask.kind == "image") {
        put(json::dump(to_value(find_image(session, ask.reference, ask.platform, ask.from))));
    } else if (ask.kind == "blob") {
        session.blob(ask.reference, ask.size, ask.offset, std::move(data));
    } else if (ask.kind == "manifest") {
        const Session::Text text =
            session.text("manifests/" + ask.reference, manifest_types(), registry::manifest_limit);
        answer.media_type = text.type;
        answer.digest = text.digest;
        put(text.bytes);
    } else if (ask.kind == "describe") {
        put(json::dump(to_value(describe(session, ask.reference))));
    } else if (ask.kind == "head") {
        return find_manifest(session, ask);
    } else if (ask.kind == "exists") {
        return find_blob(session, ask);
    } else if (ask.kind == "upload") {
        upload_blob(session, ask, data, channel);
    } else if (ask.kind == "store") {
        return store_manifest(session, ask, data);
    } else if (ask.kind == "tags") {
        put(text_of(list_tags(session)));
    } else if (ask.kind == "search") {
        put(json::dump(search_images(session, ask.reference, ask.size)));
    } else if (ask.kind == "ping") {
        ping(session);
    } else {
        throw Error("unknown request '{}'", printable(ask.kind));
    }
    return answer;
}

registry::Answer answer_to(Session& session, const std::string& text, std::vector<Fd>& fds) {
    registry::Answer answer;
    try {
        const auto ask = from_value<registry::Ask>(json::parse(text, "request"), "request");
        return serve(session, ask, std::move(fds[0]), fds[1]);
    } catch (const Refused& refused) {
        answer.error = refused.message();
        answer.hint = refused.hint();
        answer.denied = refused.kind == Refused::Kind::denied;
        answer.missing = refused.kind == Refused::Kind::missing;
    } catch (const Interrupted& interrupted) {
        answer.error = interrupted.message();
        answer.location = interrupted.location;
    } catch (const Error& error) {
        answer.error = error.message();
        answer.hint = error.hint();
    } catch (const std::exception& error) {
        answer.error = error.what();
    }
    return answer;
}

/// In a thread of its own. The bytes' descriptor is closed before the answer goes: their reader waits for the end.
void serve_one(Session& session, Message message) noexcept {
    try {
        const registry::Answer answer = answer_to(session, message.bytes, message.fds);
        message.fds[0].reset();
        send_message(message.fds[1], json::dump(to_value(answer)));
    } catch (const std::exception&) { // kist has gone
    }
}

void refuse_one(Message message, const Error& why) {
    registry::Answer answer;
    answer.error = why.message();
    answer.hint = why.hint();
    message.fds[0].reset();
    send_message(message.fds[1], json::dump(to_value(answer)));
}

void serve_all(const Fd& socket) {
    const auto first = receive_message(socket, registry::packet_limit);
    if (!first) return;
    const auto setup = from_value<registry::Setup>(json::parse(first->bytes, "setup"), "setup");
    ::curl_global_init(CURL_GLOBAL_DEFAULT);
    ::mallopt(M_ARENA_MAX, 2); // each arena would take 64 MiB of the address space that we may use
    Trust trust;
    std::optional<Error> fault; // of the certificates: told to whoever asks for something
    try {
        trust = read_trust(setup);
    } catch (const Error& error) {
        fault = error;
    }
    confine();
    Session session(setup, std::move(trust));
    while (auto message = receive_message(socket, registry::packet_limit)) {
        if (message->fds.size() != 2) throw Error("a request without its descriptors");
        if (fault) {
            refuse_one(std::move(*message), *fault);
            continue;
        }
        std::thread([&session, m = std::move(*message)]() mutable { serve_one(session, std::move(m)); }).detach();
    }
    ::_exit(0); // threads that still wait for a registry have nobody to tell
}

} // namespace
} // namespace kist::fetch

int main() {
    using namespace kist;
    struct stat st;
    if (::fstat(registry::fetch_socket_fd, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        std::fputs("kist-fetch is a part of kist and is started by it\n", stderr);
        return static_cast<int>(ExitCode::engine);
    }
    ::signal(SIGPIPE, SIG_IGN);
    const Fd socket{registry::fetch_socket_fd};
    try {
        fetch::serve_all(socket);
    } catch (const Error& error) {
        std::fprintf(stderr, "kist-fetch: %s\n", error.what());
        return static_cast<int>(ExitCode::engine);
    }
    return 0;
}
