// SPDX-License-Identifier: Apache-2.0
// Which local image a command means, by its pull policy.
#include <algorithm>

#include "base/text.hh"
#include "engine/image_use_cases.hh"

namespace kist::engine {

storage::ImageRecord resolve_image(Engine& engine, const std::string& reference, const std::string& pull_policy) {
    static const std::vector<std::string> policies = {"missing", "never", "always", "newer", "ifmissing"};
    std::string policy = to_lower(pull_policy.empty() ? "missing" : pull_policy);
    if (std::find(policies.begin(), policies.end(), policy) == policies.end())
        throw UsageError("invalid pull policy '{}': it is missing, never or always", printable(pull_policy));
    if (policy == "always" || policy == "newer")
        throw Error("pull policy '{}' needs a registry, which this version cannot reach", policy)
            .with_hint("use --pull missing with an image that is here: see 'kist images', 'kist load' and 'kist import'");
    if (auto image = engine.images().find(reference)) return std::move(*image);
    throw Error("No such image: {}", printable(reference))
        .with_hint("this version cannot pull: bring the image here with 'kist load' or 'kist import'");
}

} // namespace kist::engine
