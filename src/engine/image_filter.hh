// SPDX-License-Identifier: Apache-2.0
// --filter KEY=VALUE of images and image prune.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/engine.hh"

namespace kist::engine {

struct NamedImage {
    const storage::ImageRecord& image;
    const std::vector<storage::Reference>& names;
};

class ImageFilter {
public:
    /// Keys: dangling, label, label!, before, since, until, reference. Values of one key are alternatives for reference,
    /// requirements for the others. Throws UsageError.
    static ImageFilter parse(Engine&, const std::vector<std::string>& filters);
    /// Of the whole image.
    bool matches(const NamedImage&) const;
    /// Of one of its names; true where no reference filter is given.
    bool matches_name(const storage::Reference&) const;
    bool has_references() const { return !patterns_.empty(); }

private:
    std::vector<std::function<bool(const NamedImage&)>> tests_;
    std::vector<std::string> patterns_;
};

} // namespace kist::engine
