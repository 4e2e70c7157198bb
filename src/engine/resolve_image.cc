// SPDX-License-Identifier: Apache-2.0
// Which image a command means, by its pull policy.
#include "base/text.hh"
#include "engine/manifest_list.hh"
#include "engine/pull.hh"
#include "engine/transport.hh"

namespace kist::engine {

PullPolicy parse_pull_policy(const std::string& text) {
    const std::string word = to_lower(text);
    if (word.empty() || word == "missing" || word == "ifmissing") return PullPolicy::missing;
    if (word == "never" || word == "false") return PullPolicy::never;
    if (word == "always" || word == "true") return PullPolicy::always;
    if (word == "newer") return PullPolicy::newer;
    throw UsageError("invalid pull policy '{}': it is missing, always, never or newer", printable(text));
}

namespace {

/// docker:// is what other tools call a registry. A name without a registry may mean one by kist.json.
std::string meant(const HostConfig& config, std::string text) {
    constexpr std::string_view transport = "docker://";
    if (text.starts_with(transport)) text.erase(0, transport.size());
    const auto name = storage::Reference::try_parse(text);
    const std::string bare = name ? name->familiar_name() : "";
    if (!name || !text.starts_with(bare) || name->domain != "docker.io") return text;
    const std::string rest = text.substr(bare.size());
    if (const auto known = config.short_names.find(bare); known != config.short_names.end())
        return known->second + rest;
    return config.default_registry == "docker.io" ? text : config.default_registry + "/" + text;
}

} // namespace

storage::ImageRecord resolve_image(Engine& engine, const std::string& text, PullPolicy policy,
                                   const PullOptions& options) {
    std::string reference = text;
    auto local = engine.images().find(reference);
    if (const auto transport = parse_transport(text); transport && !(local && policy == PullPolicy::missing)) {
        if (policy == PullPolicy::never) throw Error("'{}' is not fetched with '--pull never'", printable(text));
        return engine.images().get(pull_image(engine, *transport, options).str());
    }
    if (!local) local = engine.images().find(reference = meant(engine.config(), text));
    if (local && local->is_list()) return image_of_list(engine, *local, options, policy);
    const auto name = storage::Reference::try_parse(reference);
    // What was found by its id has no registry to be asked.
    const bool is_id =
        local && (!name || local->id.starts_with(reference) || local->id.starts_with("sha256:" + reference));
    const bool fits = local && (!options.any() || fits_platform(local->config, wanted_platform(options)));
    if (local && (is_id || policy == PullPolicy::never || (policy == PullPolicy::missing && fits)))
        return std::move(*local);
    if (policy == PullPolicy::never)
        throw Error("No such image: {}", name ? name->familiar() : printable(reference))
            .with_hint("without '--pull never' it would be fetched from its registry");
    if (!name) storage::Reference::parse(reference); // says what is wrong with it
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
