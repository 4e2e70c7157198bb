// SPDX-License-Identifier: Apache-2.0
// One HTTP request at a time on a connection that is kept: bounded, never following a redirect by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "registry/challenge.hh"

namespace kist::fetch {

/// Takes a piece of a body with status 2xx; false ends the transfer.
using Sink = std::function<bool(std::string_view)>;

struct Request {
    registry::Url url;
    std::vector<std::string> headers;
    Sink sink;
};

struct Response {
    long status = 0;
    std::string location, challenge, content_type, content_range, retry_after;
    std::string error_body; ///< of any other status
    std::string failure;    ///< transport: not empty means there is no (whole) response
    bool can_retry = false; ///< the failure may pass
};

struct Trust {
    bool verify = true;
    std::string authorities; ///< PEM; read before the file system goes away
};

class Http {
public:
    explicit Http(Trust trust);
    Response get(const Request&);
    /// Of the answer that a Sink is just being given.
    long status() const;

private:
    std::unique_ptr<void, void (*)(void*)> curl_;
    Trust trust_;
};

} // namespace kist::fetch
