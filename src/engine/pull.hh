// SPDX-License-Identifier: Apache-2.0
// Fetching an image from its registry.
#pragma once

#include <functional>
#include <string>

#include "engine/engine.hh"

namespace kist::engine {

struct PullOptions {
    std::string platform; ///< "os/arch[/variant]"; empty: this machine's
    std::string user, password;
    std::string cert_folder;
    bool verify_tls = true;
    std::function<void(const std::string& line)> progress;
};
/// The image's id. Its layers come one after the other, each through kist-fetch into kist-unpack without a copy on disk.
Digest pull_image(Engine&, const storage::Reference&, const PullOptions&);

} // namespace kist::engine
