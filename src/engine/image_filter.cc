// SPDX-License-Identifier: Apache-2.0
#include "engine/image_filter.hh"

#include "base/text.hh"
#include "base/time.hh"
#include "storage/manifest_list.hh"

namespace kist::engine {

namespace {

const std::vector<std::string> keys = {"before", "dangling", "label", "label!", "reference", "since", "until"};

bool has_label(const NamedImage& it, const std::string& key, const std::optional<std::string>& value) {
    const auto& labels = it.image.config.config.labels;
    const auto found = labels.find(key);
    return found != labels.end() && (!value || found->second == *value);
}

bool parse_bool(const std::string& value) {
    const std::string word = to_lower(value);
    if (word == "true" || word == "1") return true;
    if (word == "false" || word == "0") return false;
    throw UsageError("invalid filter 'dangling={}': expected true or false", printable(value));
}

} // namespace

ImageFilter ImageFilter::parse(Engine& engine, const std::vector<std::string>& filters) {
    ImageFilter result;
    for (const std::string& filter : filters) {
        const auto equal = filter.find('=');
        std::string key = filter.substr(0, equal);
        if (equal == std::string::npos) throw UsageError("invalid filter '{}': expected KEY=VALUE", printable(filter));
        std::string value = filter.substr(equal + 1);
        if (key == "dangling") {
            // An image that a list names is in use, though it has no name of its own.
            result.tests_.push_back(
                [want = parse_bool(value), in_lists = storage::ManifestLists(engine.store()).named_images()](
                    const NamedImage& it) { return (it.names.empty() && !in_lists.contains(it.image.id)) == want; });
        } else if (key == "label" || key == "label!") {
            auto [name, wanted] = split_once(value, '=');
            result.tests_.push_back([name = name, wanted = wanted, negate = key == "label!"](const NamedImage& it) {
                return has_label(it, name, wanted) != negate;
            });
        } else if (key == "before" || key == "since") {
            const std::int64_t at = engine.images().get(value).created;
            result.tests_.push_back([at, before = key == "before"](const NamedImage& it) {
                return before ? it.image.created < at : it.image.created > at;
            });
        } else if (key == "until") {
            const Moment limit = parse_when(value, Moment::now());
            result.tests_.push_back([limit](const NamedImage& it) { return it.image.created < limit.ns; });
        } else if (key == "reference") {
            result.patterns_.push_back(value);
        } else {
            const auto near = nearest(key, keys);
            throw UsageError(
                "unknown filter '{}': {}", printable(key),
                near.empty() ? "expected one of " + join(keys, ", ") : "did you mean " + quoted_choice(near) + "?");
        }
    }
    return result;
}

bool ImageFilter::matches(const NamedImage& it) const {
    for (const auto& test : tests_)
        if (!test(it)) return false;
    if (patterns_.empty()) return true;
    for (const auto& name : it.names)
        if (matches_name(name)) return true;
    return false;
}

bool ImageFilter::matches_name(const storage::Reference& name) const {
    if (patterns_.empty()) return true;
    for (const std::string& pattern : patterns_)
        for (const std::string& text : {name.familiar(), name.familiar_name(), name.str()})
            if (glob_match(pattern, text)) return true;
    return false;
}

} // namespace kist::engine
