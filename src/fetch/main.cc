// SPDX-License-Identifier: Apache-2.0
// kist-fetch: the only program of kist that talks to registries. Started by kist (registry/fetcher.cc), never by a user; it
// serves the requests of registry/fetch_protocol.hh and ends with its socket.
#include <cstdio>

#include <signal.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/socket.hh"
#include "fetch/confine.hh"
#include "fetch/image.hh"

namespace kist::fetch {
namespace {

constexpr std::size_t authorities_limit = 8u << 20;

/// Read while there is a file system. A folder's own authorities come besides the system's.
Trust read_trust(const registry::Setup& setup) {
    Trust trust;
    trust.verify = setup.verify_tls;
    if (setup.plain_http || !setup.verify_tls) return trust;
    for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}) {
        if (auto text = read_file_if_exists(path, authorities_limit); text && trust.authorities.empty()) trust.authorities = *text;
    }
    const auto folder = setup.cert_folder.empty() ? std::nullopt : std::optional(Dir::open(setup.cert_folder));
    if (!folder) return trust;
    for (const std::string& name : folder->names())
        if (name.ends_with(".crt")) trust.authorities += "\n" + read_file(*folder, name, authorities_limit);
    return trust;
}

void serve(Session& session, const registry::Ask& ask, Fd out) {
    if (ask.kind == "blob") return session.blob(ask.reference, ask.size, out.release());
    const registry::FoundImage found = find_image(session, ask.reference, ask.platform);
    write_full(out, json::dump(to_value(found)), "the answer");
}

void serve_all(const Fd& socket) {
    const auto first = receive_message(socket, registry::packet_limit);
    if (!first) return;
    const auto setup = from_value<registry::Setup>(json::parse(first->bytes, "setup"), "setup");
    ::curl_global_init(CURL_GLOBAL_DEFAULT);
    Trust trust = read_trust(setup);
    confine();
    Session session(setup, std::move(trust));
    while (auto message = receive_message(socket, registry::packet_limit)) {
        registry::Answer answer;
        try {
            if (message->fds.size() != 1) throw Error("a request without its descriptor");
            const auto ask = from_value<registry::Ask>(json::parse(message->bytes, "request"), "request");
            serve(session, ask, std::move(message->fds.front()));
        } catch (const Error& error) {
            answer.error = error.message();
            answer.hint = error.hint();
        } catch (const std::exception& error) {
            answer.error = error.what();
        }
        message->fds.clear(); // the reader of the bytes waits for their end
        send_message(socket, json::dump(to_value(answer)));
    }
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
