// SPDX-License-Identifier: Apache-2.0
// https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#push
#include "fetch/upload.hh"

#include <algorithm>
#include <optional>

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

bool is_there(Session& session, const std::string& digest) {
    Request head;
    head.method = "HEAD";
    head.url = session.url("blobs/" + digest);
    const Response there = session.repeat(head);
    if (!there.failure.empty() || (there.status != 200 && there.status != 404))
        session.refuse(there, "blobs/" + digest);
    return there.status == 200;
}

/// False: it failed, and may be tried again.
bool finish_upload(Session& session, const Url& location, const std::string& digest, const std::string& body,
                   int attempt) {
    Request request;
    request.method = "PUT";
    request.url = location;
    request.url.path +=
        (location.path.find('?') == std::string::npos ? "?" : "&") + ("digest=" + registry::url_encode(digest));
    request.text = &body;
    request.headers.push_back("Content-Type: application/octet-stream");
    const Response response = session.request(request);
    if (!response.failure.empty() || response.status != 201) {
        if (session.wait_for_retry(response, attempt)) return false;
        session.refuse(response, "blobs/uploads");
    }
    if (!response.digest.empty() && response.digest != digest)
        throw Error("the registry says it stored {}, not {}", printable(response.digest), digest);
    return true;
}

bool has_failed(const Response& response) { return !response.failure.empty() || response.status / 100 != 2; }

/// Statuses of a registry that wants a length, smaller pieces, or has forgotten the token: another way may succeed.
bool wants_pieces(long status) {
    return status == 401 || status == 411 || status == 413 || status == 416 || status == 501;
}

/// Throws: what is worth another try as Interrupted.
[[noreturn]] void report(Session& session, const Response& response, const Url& location, int attempt) {
    const bool other_way = response.failure.empty() && wants_pieces(response.status) && attempt == 0;
    if (!other_way && !session.wait_for_retry(response, attempt)) session.refuse(response, "blobs/uploads");
    throw Interrupted(location.str(),
                      response.failure.empty() ? fmt::format("status {}", response.status) : response.failure);
}

/// The bytes as they come, in one request without a length, as Docker sends them.
Url send_stream(Session& session, const Url& location, const Fd& data, int attempt) {
    Request request;
    request.method = "PATCH";
    request.url = location;
    request.stream = &data;
    request.headers.push_back("Content-Type: application/octet-stream");
    const Response response = session.request(request);
    if (has_failed(response)) report(session, response, location, attempt);
    return location_of(session, location, response);
}

/// How far an upload is, as the registry tells.
struct Progress {
    Url location;
    std::int64_t have = 0;
};

/// "0-99", also "bytes=0-99": 100 bytes. Nothing for what is no range from the beginning.
std::optional<std::int64_t> end_of(std::string_view range) {
    if (range.starts_with("bytes=")) range.remove_prefix(6);
    const auto [first, last] = split_once(range, '-');
    const auto end = last ? parse_unsigned(*last, 1ull << 50) : std::nullopt;
    if (first != "0" || !end) return std::nullopt;
    return static_cast<std::int64_t>(*end) + 1;
}

/// Nothing when the registry does not know the upload any more.
std::optional<Progress> ask_progress(Session& session, const Url& location) {
    Request request;
    request.url = location;
    const Response response = session.repeat(request);
    if (has_failed(response)) {
        if (response.failure.empty() && response.status / 100 == 4 && response.status != 429) return std::nullopt;
        session.refuse(response, "blobs/uploads");
    }
    Progress progress{response.location.empty() ? location : location_of(session, location, response), 0};
    // A registry that has nothing says "0-0" or leaves it out: one byte is not worth the doubt.
    if (const auto end = end_of(response.range); end && *end > 1) progress.have = *end;
    return progress;
}

void skip(const Fd& data, std::int64_t count) {
    std::string buffer(256u << 10, '\0');
    while (count > 0) {
        const std::size_t wanted = static_cast<std::size_t>(std::min<std::int64_t>(count, std::ssize(buffer)));
        const std::size_t got = read_full(data, {buffer.data(), wanted}, "blob");
        if (got == 0) throw Error("the registry has more of the upload than there is");
        count -= static_cast<std::int64_t>(got);
    }
}

/// The rest of an upload, in pieces that say where they belong and can be sent again.
class Pieces {
public:
    Pieces(Session& session, Progress progress) : session_(session), at_(std::move(progress)) {}

    Url send(const Fd& data) {
        std::string piece(piece_size, '\0');
        for (;;) {
            const std::size_t filled = read_full(data, piece, "blob");
            if (filled > 0) send_piece({piece.data(), filled});
            if (filled < piece.size()) return at_.location;
        }
    }

private:
    static constexpr std::size_t piece_size = 8u << 20;

    /// Until the registry has all of it.
    void send_piece(std::string_view piece) {
        const std::int64_t start = at_.have, end = start + std::ssize(piece);
        for (int attempt = 0; at_.have < end; ++attempt) {
            const std::string rest(piece.substr(static_cast<std::size_t>(at_.have - start)));
            Request request;
            request.method = "PATCH";
            request.url = at_.location;
            request.text = &rest;
            request.headers = {"Content-Type: application/octet-stream",
                               fmt::format("Content-Range: {}-{}", at_.have, end - 1)};
            const Response response = session_.request(request);
            if (!has_failed(response)) {
                at_ = {location_of(session_, at_.location, response), end};
                return;
            }
            const bool misplaced = response.failure.empty() && response.status == 416;
            if (misplaced ? attempt >= session_.setup().retries : !session_.wait_for_retry(response, attempt))
                session_.refuse(response, "blobs/uploads");
            const auto now = ask_progress(session_, at_.location);
            if (!now) session_.refuse(response, "blobs/uploads");
            if (now->have < start || now->have > end)
                throw Interrupted(now->location.str(), "the registry has another part of the upload");
            at_ = *now;
        }
    }

    Session& session_;
    Progress at_;
};

/// Goes on with what was interrupted; from the beginning, if the registry has forgotten it.
Url resume(Session& session, const registry::Ask& ask, const Fd& data) {
    const auto location = registry::parse_url(ask.location);
    if (!location || location->origin() != session.base().origin())
        throw Error("'{}' is no upload at the registry", printable(ask.location));
    if (auto progress = ask_progress(session, *location)) {
        skip(data, progress->have);
        return Pieces(session, std::move(*progress)).send(data);
    }
    return send_stream(session, begin_upload(session), data, std::max(ask.attempt, 1));
}

std::string digest_from(const Fd& channel) {
    const auto message = receive_message(channel, registry::packet_limit);
    if (!message) return "";
    return from_value<registry::UploadEnd>(json::parse(message->bytes, "end of upload"), "end of upload").digest;
}

} // namespace

registry::Answer find_blob(Session& session, const registry::Ask& ask) {
    registry::Answer answer;
    answer.found = is_there(session, ask.reference);
    if (answer.found) return answer;
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
    if (!ask.reference.empty()) {
        const std::string bytes = read_all(data, static_cast<std::size_t>(registry::manifest_limit), "blob");
        for (int attempt = 0;; ++attempt)
            if (finish_upload(session, begin_upload(session), ask.reference, bytes, attempt)) return;
    }
    const Url next = ask.location.empty() ? send_stream(session, begin_upload(session), data, ask.attempt)
                                          : resume(session, ask, data);
    const std::string digest = digest_from(channel);
    if (digest.empty()) {
        give_up(session, next);
        throw Error("the upload was given up");
    }
    for (int attempt = 0;; ++attempt) {
        if (finish_upload(session, next, digest, nothing, attempt)) return;
        if (is_there(session, digest)) return; // only its answer was lost
    }
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
    answer.subject = response.subject;
    return answer;
}

} // namespace kist::fetch
