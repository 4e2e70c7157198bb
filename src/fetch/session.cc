// SPDX-License-Identifier: Apache-2.0
// The distribution protocol's ways: 401 and tokens, redirects to storage, 429 and 5xx.
#include "fetch/session.hh"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.hh"
#include "base/fd.hh"
#include "base/text.hh"
#include "fetch/address.hh"
#include "fetch/refusal.hh"

namespace kist::fetch {
namespace {

using registry::Url;
constexpr int most_redirects = 5;
constexpr std::uint64_t longest_pause = 60;
/// What an answer must bring to count as getting on: less, again and again, is a server that plays for time.
constexpr std::int64_t least_progress = 1 << 20;

bool is_redirect(long status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Url base_of(const registry::Setup& setup) {
    const auto url = registry::parse_url((setup.plain_http ? "http://" : "https://") + setup.host + "/");
    if (!url) throw Error("'{}' is no registry address", printable(setup.host));
    return *url;
}

Url next_of(const Request& request, const Response& response) {
    const auto next = registry::resolve_url(request.url, response.location);
    if (!next) throw Error("the registry redirects to '{}', which is no address", printable(response.location));
    if (next->scheme == "http" && request.url.scheme == "https")
        throw Error("the registry redirects from https to '{}': refused", printable(next->origin()));
    return *next;
}

/// "bytes 5-9/10" must be the range that was asked for: from `start` to the end of a blob of `size` bytes.
bool is_range(const std::string& header, std::int64_t start, std::int64_t size) {
    return to_lower(header) == fmt::format("bytes {}-{}/{}", start, size - 1, size) ||
           to_lower(header) == fmt::format("bytes {}-{}/*", start, size - 1);
}

} // namespace

class Session::Lease {
public:
    explicit Lease(Session& session) : session_(session) {
        const std::lock_guard guard(session_.mutex_);
        if (session_.idle_.empty()) {
            http_ = std::make_unique<Http>(session_.trust_, session_.setup_.stall_seconds);
        } else {
            http_ = std::move(session_.idle_.back());
            session_.idle_.pop_back();
        }
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
        const std::lock_guard guard(session_.mutex_);
        session_.idle_.push_back(std::move(http_));
    }
    Http& http() const { return *http_; }

private:
    Session& session_;
    std::unique_ptr<Http> http_;
};

Session::Session(registry::Setup setup, Trust trust)
    : setup_(std::move(setup)), base_(base_of(setup_)), trust_(std::move(trust)), authenticator_(setup_, base_) {}

Url Session::url(const std::string& path) const {
    Url url = base_;
    url.path = path.starts_with('/') ? path : "/v2/" + setup_.repository + "/" + path;
    return url;
}

Response Session::follow(Http& http, Request request, const std::string& authorization) {
    const std::vector<std::string> headers = request.headers;
    for (int hop = 0; hop <= most_redirects; ++hop) {
        request.headers = headers;
        request.is_foreign = request.url.host != base_.host;
        request.loopback = is_loopback_name(base_.host);
        if (request.url.origin() == base_.origin() && !authorization.empty())
            request.headers.push_back("Authorization: " + authorization);
        Response response = http.perform(request);
        if (!response.failure.empty() || !is_redirect(response.status)) return response;
        if (request.method != "GET" && request.method != "HEAD")
            throw Error("the registry redirects an upload: refused");
        request.url = next_of(request, response);
    }
    throw Error("the registry redirects more than {} times", most_redirects);
}

Response Session::request_on(Http& http, const Request& request) {
    const std::string authorization = authenticator_.header();
    Response response = follow(http, request, authorization);
    if (!response.failure.empty() || response.status != 401 || request.stream != nullptr) return response;
    if (!authenticator_.answer(http, response, authorization)) return response;
    return follow(http, request, authenticator_.header());
}

Response Session::request(Request request) {
    const Lease lease(*this);
    return request_on(lease.http(), request);
}

Response Session::repeat(const Request& request) {
    for (int attempt = 0;; ++attempt) {
        Response response = this->request(request);
        if (!wait_for_retry(response, attempt)) return response;
    }
}

bool Session::wait_for_retry(const Response& response, int attempt) const {
    const bool passing =
        !response.failure.empty() ? response.can_retry : response.status == 429 || response.status >= 500;
    if (!passing || attempt >= setup_.retries) return false;
    const auto usual =
        setup_.retry_delay > 0 ? static_cast<std::uint64_t>(setup_.retry_delay) : 1ull << std::min(attempt, 5);
    const auto asked = parse_unsigned(response.retry_after).value_or(usual);
    if (asked > longest_pause) return false; // nobody waits for that
    std::this_thread::sleep_for(std::chrono::seconds(asked));
    return true;
}

Session::Text Session::text(const std::string& path, const std::vector<std::string>& accept, std::int64_t limit) {
    Request request;
    request.url = url(path);
    for (const std::string& type : accept) request.headers.push_back("Accept: " + type);
    for (int attempt = 0;; ++attempt) {
        std::string bytes;
        request.sink = [&](std::string_view piece) {
            bytes.append(piece);
            return bytes.size() <= static_cast<std::size_t>(limit);
        };
        const Response response = this->request(request);
        if (bytes.size() > static_cast<std::size_t>(limit))
            throw Error("'{}' is larger than {} bytes", printable(path), limit);
        if (response.failure.empty() && response.status == 200)
            return {std::move(bytes), response.content_type, response.digest, response.link};
        if (!wait_for_retry(response, attempt)) refuse(response, path);
    }
}

/// One blob on its way: what has come, and what to do with an answer's bytes.
struct Session::Blob {
    const std::string& digest;
    std::int64_t size, written;
    const Fd& out;

    Response attempt(Session& session, Http& http) {
        Request request;
        request.url = session.url("blobs/" + digest);
        if (written > 0) request.headers.push_back(fmt::format("Range: bytes={}-{}", written, size - 1));
        const std::int64_t start = written;
        std::int64_t drop = -1; // of an answer that begins again although a range was asked for
        request.sink = [&](std::string_view piece) {
            if (drop < 0) {
                drop = http.status() == 206 ? 0 : start;
                if (http.status() == 206 && !is_range(http.content_range(), start, size))
                    throw Error("blob {}: the registry sends '{}', another range than was asked for", digest,
                                printable(http.content_range()));
            }
            const auto skip = std::min<std::int64_t>(drop, static_cast<std::int64_t>(piece.size()));
            drop -= skip;
            piece.remove_prefix(static_cast<std::size_t>(skip));
            if (written + static_cast<std::int64_t>(piece.size()) > size)
                throw Error("blob {} is larger than its {} bytes", digest, size);
            write_full(out, piece, "blob");
            written += static_cast<std::int64_t>(piece.size());
            return true;
        };
        return session.request_on(http, request);
    }
};

void Session::blob(const std::string& digest, std::int64_t size, std::int64_t offset, Fd out) {
    Blob blob{digest, size, std::min(offset, size), out};
    if (size > 0 && blob.written == size) return;
    const Lease lease(*this);
    std::int64_t counted = blob.written;
    for (int attempt = 0;; ++attempt) {
        Response response = blob.attempt(*this, lease.http());
        if (blob.written == size && (size > 0 || (response.failure.empty() && response.status == 200))) return;
        if (response.failure.empty() && response.status / 100 == 2) {
            response.failure = fmt::format("blob {} ends after {} of {} bytes", digest, blob.written, size);
            response.can_retry = true;
        }
        if (blob.written - counted >= least_progress) {
            attempt = 0;
            counted = blob.written;
        }
        if (!wait_for_retry(response, attempt)) refuse(response, "blobs/" + digest);
    }
}

} // namespace kist::fetch
