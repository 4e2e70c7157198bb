// SPDX-License-Identifier: Apache-2.0
// Which image a command means, by its pull policy.
#include "base/text.hh"
#include "engine/pull.hh"

namespace kist::engine {

PullPolicy parse_pull_policy(const std::string& text) {
    const std::string word = to_lower(text);
    if (word.empty() || word == "missing" || word == "ifmissing") return PullPolicy::missing;
    if (word == "never" || word == "false") return PullPolicy::never;
    if (word == "always" || word == "true") return PullPolicy::always;
    if (word == "newer") return PullPolicy::newer;
    throw UsageError("invalid pull policy '{}': it is missing, always, never or newer", printable(text));
}

storage::ImageRecord resolve_image(Engine& engine, const std::string& reference, PullPolicy policy, const PullOptions& options) {
    auto local = engine.images().find(reference);
    const auto name = storage::Reference::try_parse(reference);
    // What was found by its id has no registry to be asked.
    const bool is_id = local && (!name || local->id.starts_with(reference) || local->id.starts_with("sha256:" + reference));
    const bool fits = local && (!options.any() || fits_platform(local->config, wanted_platform(options)));
    if (local && (is_id || policy == PullPolicy::never || (policy == PullPolicy::missing && fits))) return std::move(*local);
    if (policy == PullPolicy::never)
        throw Error("No such image: {}", name ? name->familiar() : printable(reference))
            .with_hint("without '--pull never' it would be fetched from its registry");
    if (!name) throw Error("No such image: {}", printable(reference));
    if (policy == PullPolicy::missing && !local && options.progress)
        options.progress("Unable to find image '" + name->familiar() + "' locally");
    try {
        const Digest id = pull_image(engine, *name, options);
        return engine.images().get(id.str());
    } catch (const Error&) {
        if (policy != PullPolicy::newer || !local || !fits) throw;
        return std::move(*local);
    }
}

} // namespace kist::engine
