// SPDX-License-Identifier: Apache-2.0
// The side of kist in the talk with kist-fetch. Nothing that comes from it is believed: digests are computed here (manifest,
// configuration) or by kist-unpack (layers).
#pragma once

#include "base/fd.hh"
#include "base/process.hh"
#include "registry/fetch_protocol.hh"

namespace kist::registry {

class Fetcher {
public:
    /// `program`: the path of kist-fetch.
    Fetcher(const std::string& program, const Setup&);

    /// `reference`: tag or digest. Checks every digest.
    FoundImage image(const std::string& reference, const oci::Platform&);
    /// The blob goes into `out` while this returns at once; finish() says how it ended. One at a time.
    void begin_blob(const oci::Descriptor&, const Fd& out);
    void finish();

private:
    void ask(const Ask&, const Fd& out);
    Fd socket_;
    Child child_;
};

} // namespace kist::registry
