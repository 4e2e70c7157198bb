// SPDX-License-Identifier: Apache-2.0
// commit: a container's changes become an image on top of the one that it came from.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hh"
#include "engine/engine.hh"

namespace kist::engine {

struct CommitOptions {
    std::string author, message;
    std::vector<std::string> changes; ///< --change
    std::string config_file;          ///< JSON whose members replace the configuration's
    enum class Format { oci, docker } format = Format::oci;
    bool pause = true;            ///< while its files are read, if it runs
    bool squash = false;          ///< one layer with everything, in place of one more
    bool include_volumes = false; ///< its mounts become VOLUMEs of the image
    std::function<void(const std::string&)> warn;
};
/// The new image's id, once it is on disk.
Digest commit(Engine&, const ContainerId&, const std::optional<storage::Reference>& name, const CommitOptions&);

} // namespace kist::engine
