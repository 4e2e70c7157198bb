// SPDX-License-Identifier: Apache-2.0
// The side of kist in the talk with kist-fetch. Nothing that comes from it is believed: digests are computed here (manifest,
// configuration) or by kist-unpack (layers).
#pragma once

#include <mutex>

#include "base/error.hh"
#include "base/fd.hh"
#include "base/process.hh"
#include "registry/fetch_protocol.hh"

namespace kist::registry {

/// The registry says that it is not there, or (see `denied`) that the user may not.
class Refusal : public Error {
public:
    Refusal(const Answer& answer)
        : Error("{}", answer.error), denied(answer.denied), missing(answer.missing), location(answer.location) {
        with_hint(answer.hint);
    }
    const bool denied, missing;
    const std::string location; ///< an interrupted upload may go on there
};

/// Its members may be called by several threads at once.
class Fetcher {
public:
    /// `program`: the path of kist-fetch.
    Fetcher(const std::string& program, const Setup&);

    /// A request under way.
    class Pending {
    public:
        Pending(Fetcher& fetcher, Fd channel) : fetcher_(&fetcher), channel_(std::move(channel)) {}
        /// Waits for its end. Throws Refusal.
        Answer finish();
        void end_upload(const std::string& digest) const;

    private:
        Fetcher* fetcher_;
        Fd channel_;
    };
    /// `data`: what the bytes go to or come from; the caller closes its own copy.
    Pending begin(const Ask&, const Fd& data);

    /// Everything that is under way fails.
    void stop();

    /// `reference`: tag or digest. Checks every digest. `known`: digest of the manifest of an image that is here; if that is what
    /// the reference means, the configuration and the layers are left out (config_digest is empty).
    FoundImage image(const std::string& reference, const oci::Platform&, const std::string& known);
    /// Checks the digest of the manifest; of what it names it cannot be known.
    FoundManifest describe(const std::string& reference);
    /// Bytes of at most `limit` that a request brings.
    std::string bytes(const Ask&, std::size_t limit, Answer* answer = nullptr);
    /// Sends bytes with a request.
    Answer send(const Ask&, std::string_view bytes);
    /// A request without bytes.
    Answer call(const Ask&);

private:
    [[noreturn]] void report_death();
    Fd socket_;
    std::mutex mutex_; ///< of child_
    Child child_;
};

} // namespace kist::registry
