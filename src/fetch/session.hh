// SPDX-License-Identifier: Apache-2.0
// Talking to one registry: authentication, redirects, repetition. SECURITY P9 to P11.
#pragma once

#include <optional>

#include "fetch/http.hh"
#include "registry/fetch_protocol.hh"

namespace kist::fetch {

class Session {
public:
    Session(registry::Setup setup, Trust trust);

    struct Text {
        std::string bytes, type;
    };
    /// A document of at most `limit` bytes below /v2/REPOSITORY/.
    Text text(const std::string& path, const std::vector<std::string>& accept, std::int64_t limit);
    /// Exactly `size` bytes, to `out`; goes on where an interrupted answer ended.
    void blob(const std::string& digest, std::int64_t size, int out);

private:
    Response request(const std::string& path, std::vector<std::string> headers, const Sink& sink);
    Response follow(Request request);
    bool answer_challenge(const std::string& header);
    void fetch_token(const registry::Challenge&);
    [[noreturn]] void refuse(const Response&, const std::string& path) const;
    bool wait_for_retry(const Response&, int attempt) const;

    registry::Setup setup_;
    registry::Url base_;
    Http http_;
    std::string authorization_; ///< for base_'s origin alone
};

} // namespace kist::fetch
