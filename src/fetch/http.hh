// SPDX-License-Identifier: Apache-2.0
// One HTTP request at a time on a connection that is kept: bounded, never following a redirect by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.hh"
#include "registry/challenge.hh"
#include "registry/proxy.hh"

namespace kist::fetch {

/// Takes a piece of a body with status 2xx; false ends the transfer.
using Sink = std::function<bool(std::string_view)>;

struct Request {
    std::string method = "GET";
    registry::Url url;
    std::vector<std::string> headers;
    Sink sink;                         ///< may be empty: then a body is thrown away
    const std::string* text = nullptr; ///< the body; or
    const Fd* stream = nullptr;        ///< the body, to the end of this descriptor
    bool is_foreign = false;           ///< not the registry itself: where it lies is looked at
    bool loopback = false;             ///< a foreign one may lie within this machine
};

struct Response {
    long status = 0;
    std::string location, challenge, content_type, content_range, content_encoding, retry_after, link, digest, range,
        subject;
    std::string error_body; ///< of any other status
    std::string failure;    ///< transport: not empty means there is no (whole) response
    std::string hint;
    bool can_retry = false; ///< the failure may pass
};

struct Trust {
    bool verify = true;
    std::string authorities;             ///< PEM; read before the file system goes away
    std::string client_cert, client_key; ///< PEM; empty: none
};

class Http {
public:
    /// `trust` must outlive this.
    Http(const Trust& trust, int stall_seconds);
    Response perform(const Request&);
    /// Of the answer that a Sink is just being given.
    long status() const;
    std::string content_range() const { return content_range_; }

private:
    std::unique_ptr<void, void (*)(void*)> curl_;
    const Trust& trust_;
    const registry::Proxies proxies_;
    int stall_seconds_;
    std::string content_range_;
};

} // namespace kist::fetch
