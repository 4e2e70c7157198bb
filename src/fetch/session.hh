// SPDX-License-Identifier: Apache-2.0
// Talking to one registry: authentication, redirects, repetition. SECURITY P9 to P11. Several threads at once.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "fetch/authenticator.hh"
#include "fetch/http.hh"
#include "fetch/refusal.hh"
#include "registry/fetch_protocol.hh"

namespace kist::fetch {

class Session {
public:
    Session(registry::Setup setup, Trust trust);
    const registry::Setup& setup() const { return setup_; }
    const registry::Url& base() const { return base_; }

    struct Text {
        std::string bytes, type, digest, link;
    };
    /// A document of at most `limit` bytes; `path` is below /v2/REPOSITORY/, or absolute when it begins with a slash.
    Text text(const std::string& path, const std::vector<std::string>& accept, std::int64_t limit);
    /// Exactly `size` bytes less the first `offset`, to `out`; goes on where an interrupted answer ended.
    void blob(const std::string& digest, std::int64_t size, std::int64_t offset, Fd out);

    /// A request that is sent again only after a 401 and by redirects, and answered as it is. Not for a stream that would have
    /// to be sent twice: those go where a request before has been accepted.
    Response request(Request);
    /// The same, repeated after failures that may pass. Without a stream.
    Response repeat(const Request&);
    /// Is it worth another try? If so it has waited, as long as the registry asks or a bit longer each time.
    bool wait_for_retry(const Response&, int attempt) const;
    registry::Url url(const std::string& path) const;
    [[noreturn]] void refuse(const Response& response, const std::string& what) const {
        fetch::refuse(response, what, setup_);
    }

private:
    /// A connection that no other thread uses meanwhile.
    class Lease;
    struct Blob;
    Response request_on(Http&, const Request&);
    Response follow(Http&, Request, const std::string& authorization);

    const registry::Setup setup_;
    const registry::Url base_;
    const Trust trust_;
    Authenticator authenticator_;
    std::mutex mutex_; ///< of idle_
    std::vector<std::unique_ptr<Http>> idle_;
};

} // namespace kist::fetch
