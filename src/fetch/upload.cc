// SPDX-License-Identifier: Apache-2.0
// https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#push
#include "fetch/upload.hh"

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/socket.hh"
#include "base/text.hh"
#include "fetch/image.hh"

namespace kist::fetch {
namespace {

using registry::Url;
const std::string nothing;

/// Where an upload goes on. Only at the registry itself: nobody else needs what is uploaded, and a registry must not make us
/// write to its neighbours.
Url location_of(const Session& session, const Url& asked, const Response& response) {
    const auto location = registry::resolve_url(asked, response.location);
    if (!location)
        throw Error("the registry wants the upload at '{}', which is no address", printable(response.location));
    if (location->origin() != session.base().origin())
        throw Error("the registry wants the upload at '{}', which is not itself: refused",
                    printable(location->origin()));
    return *location;
}

Request begin_request(const Session& session, const std::string& query) {
    Request request;
    request.method = "POST";
    request.url = session.url("blobs/uploads/" + query);
    request.text = &nothing;
    request.headers.push_back("Content-Type: application/octet-stream");
    return request;
}

void give_up(Session& session, const Url& location) {
    Request request;
    request.method = "DELETE";
    request.url = location;
    session.request(request); // a courtesy: the registry forgets old uploads by itself
}

Url begin_upload(Session& session) {
    const Request request = begin_request(session, "");
    const Response response = session.repeat(request);
    if (!response.failure.empty() || response.status != 202) session.refuse(response, "blobs/uploads");
    return location_of(session, request.url, response);
}

void finish_upload(Session& session, const Url& location, const std::string& digest, const std::string& body) {
    Request request;
    request.method = "PUT";
    request.url = location;
    request.url.path +=
        (location.path.find('?') == std::string::npos ? "?" : "&") + ("digest=" + registry::url_encode(digest));
    request.text = &body;
    request.headers.push_back("Content-Type: application/octet-stream");
    const Response response = session.request(request);
    if (!response.failure.empty() || response.status != 201) session.refuse(response, "blobs/uploads");
    if (!response.digest.empty() && response.digest != digest)
        throw Error("the registry says it stored {}, not {}", printable(response.digest), digest);
}

/// The bytes as they come, in one request without a length, as Docker sends them.
Url send_stream(Session& session, const Url& location, const Fd& data) {
    Request request;
    request.method = "PATCH";
    request.url = location;
    request.stream = &data;
    request.headers.push_back("Content-Type: application/octet-stream");
    const Response response = session.request(request);
    if (!response.failure.empty() || (response.status != 202 && response.status != 204))
        session.refuse(response, "blobs/uploads");
    return location_of(session, location, response);
}

std::string digest_from(const Fd& channel) {
    const auto message = receive_message(channel, registry::packet_limit);
    if (!message) return "";
    return from_value<registry::UploadEnd>(json::parse(message->bytes, "end of upload"), "end of upload").digest;
}

} // namespace

registry::Answer find_blob(Session& session, const registry::Ask& ask) {
    registry::Answer answer;
    Request head;
    head.method = "HEAD";
    head.url = session.url("blobs/" + ask.reference);
    const Response there = session.repeat(head);
    answer.found = there.failure.empty() && there.status == 200;
    if (answer.found) return answer;
    if (!there.failure.empty() || there.status != 404) session.refuse(there, "blobs/" + ask.reference);
    for (const std::string& from : ask.from) {
        const Request mount = begin_request(
            session, "?mount=" + registry::url_encode(ask.reference) + "&from=" + registry::url_encode(from));
        const Response response = session.request(mount);
        if (!response.failure.empty()) session.refuse(response, "blobs/uploads");
        // it would rather have the bytes
        if (response.status == 202) give_up(session, location_of(session, mount.url, response));
        answer.found = answer.mounted = response.status == 201;
        if (answer.found) break;
    }
    return answer;
}

void upload_blob(Session& session, const registry::Ask& ask, const Fd& data, const Fd& channel) {
    const Url location = begin_upload(session);
    if (!ask.reference.empty()) {
        const std::string bytes = read_all(data, static_cast<std::size_t>(registry::manifest_limit), "blob");
        return finish_upload(session, location, ask.reference, bytes);
    }
    const Url next = send_stream(session, location, data);
    const std::string digest = digest_from(channel);
    if (digest.empty()) {
        give_up(session, next);
        throw Error("the upload was given up");
    }
    finish_upload(session, next, digest, nothing);
}

registry::Answer find_manifest(Session& session, const registry::Ask& ask) {
    Request head;
    head.method = "HEAD";
    head.url = session.url("manifests/" + ask.reference);
    for (const std::string& type : manifest_types()) head.headers.push_back("Accept: " + type);
    const Response there = session.repeat(head);
    registry::Answer answer;
    answer.found = there.failure.empty() && there.status == 200;
    if (!there.failure.empty() || (!answer.found && there.status != 404))
        session.refuse(there, "manifests/" + ask.reference);
    answer.digest = there.digest;
    answer.media_type = there.content_type;
    return answer;
}

registry::Answer store_manifest(Session& session, const registry::Ask& ask, const Fd& data) {
    const std::string bytes = read_all(data, static_cast<std::size_t>(registry::manifest_limit), "manifest");
    Request request;
    request.method = "PUT";
    request.url = session.url("manifests/" + ask.reference);
    request.text = &bytes;
    request.headers.push_back("Content-Type: " + ask.media_type);
    const Response response = session.repeat(request);
    if (!response.failure.empty() || response.status != 201) session.refuse(response, "manifests/" + ask.reference);
    registry::Answer answer;
    answer.digest = response.digest;
    return answer;
}

} // namespace kist::fetch
