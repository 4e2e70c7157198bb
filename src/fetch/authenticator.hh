// SPDX-License-Identifier: Apache-2.0
// From a 401 to an Authorization header. Shared by all requests of the process; SECURITY P10.
#pragma once

#include <mutex>
#include <string>

#include "fetch/http.hh"
#include "registry/fetch_protocol.hh"

namespace kist::fetch {

class Authenticator {
public:
    Authenticator(const registry::Setup& setup, const registry::Url& base) : setup_(setup), base_(base) {}

    /// For requests to the registry's own origin; empty: none yet.
    std::string header();
    /// Answers a 401 that a request with the header `used` got. False: nothing more can be done. Throws Error.
    bool answer(Http&, const Response& denied, const std::string& used);

private:
    void fetch_token(Http&, const registry::Challenge&);
    Request token_request(const registry::Challenge&, const registry::Url& realm, bool trusted);
    std::string scopes() const;

    const registry::Setup& setup_;
    const registry::Url& base_;
    std::mutex mutex_; ///< of header_; held while a token is fetched, so that one request fetches it for all
    std::string header_;
    std::string body_; ///< of the token request
};

} // namespace kist::fetch
