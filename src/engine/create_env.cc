// SPDX-License-Identifier: Apache-2.0
// Environment and labels: options, files of lines, and what they take over from our own environment.
#include <algorithm>
#include <cstdlib>

#include <unistd.h>

#include "base/file.hh"
#include "base/text.hh"
#include "engine/create_parts.hh"

namespace kist::engine {

namespace {

constexpr std::size_t env_file_limit = 4u << 20;

struct Assignment {
    std::string key;
    std::optional<std::string> value; ///< nothing: take it over from our environment, or unset it
};

void set_env(std::vector<std::string>& env, const std::string& key, const std::string& value) {
    std::string text = key + "=" + value;
    auto same = std::find_if(env.begin(), env.end(), [&](const std::string& e) {
        return e.size() > key.size() && e[key.size()] == '=' && e.starts_with(key);
    });
    if (same != env.end()) *same = std::move(text);
    else env.push_back(std::move(text));
}

void unset_env(std::vector<std::string>& env, const std::string& key) {
    std::erase_if(env, [&](const std::string& e) { return split_once(e, '=').first == key; });
}

void take_over_all(std::vector<std::string>& env, const std::string& prefix) {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        auto [key, value] = split_once(*entry, '=');
        if (value && key.starts_with(prefix)) set_env(env, key, *value);
    }
}

void apply(std::vector<std::string>& env, const Assignment& assignment) {
    const auto& [key, value] = assignment;
    if (value) return set_env(env, key, *value);
    if (key.ends_with('*')) return take_over_all(env, key.substr(0, key.size() - 1));
    const char* own = std::getenv(key.c_str());
    if (own != nullptr) set_env(env, key, own);
    else unset_env(env, key);
}

/// Lines of an --env-file or --label-file; '#' starts a comment line, leading blanks do not count.
std::vector<Assignment> read_assignments(const std::string& path, std::string_view what) {
    std::string text;
    try {
        text = read_file(path, env_file_limit);
    } catch (Error& e) {
        e.while_doing("reading {} file", what);
        throw;
    }
    std::vector<Assignment> found;
    std::size_t number = 0;
    for (const std::string& raw : split(text, '\n')) {
        ++number;
        std::string_view line = raw;
        if (line.ends_with('\r')) line.remove_suffix(1);
        while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
        if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
        if (line.empty() || line.front() == '#') continue;
        auto [key, value] = split_once(line, '=');
        if (!is_utf8(line) || line.find('\0') != line.npos)
            throw UsageError("{} file '{}', line {}: not UTF-8 text", what, path, number);
        if (key.empty()) throw UsageError("{} file '{}', line {}: no name on the left of '='", what, path, number);
        if (key.find_first_of(" \t") != key.npos)
            throw UsageError("{} file '{}', line {}: the name '{}' contains blanks", what, path, number,
                             printable(key));
        found.push_back({std::move(key), std::move(value)});
    }
    return found;
}

} // namespace

std::optional<std::string> env_value(const std::vector<std::string>& env, std::string_view name) {
    for (const std::string& entry : env)
        if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name))
            return entry.substr(name.size() + 1);
    return std::nullopt;
}

std::vector<std::string> merge_env(std::vector<std::string> base, const std::vector<std::string>& files,
                                   const std::vector<std::string>& options) {
    for (const std::string& file : files)
        for (const Assignment& assignment : read_assignments(file, "environment")) apply(base, assignment);
    for (const std::string& option : options) {
        auto [key, value] = split_once(option, '=');
        if (key.empty()) throw UsageError("invalid environment variable '{}': its name is empty", printable(option));
        apply(base, {std::move(key), std::move(value)});
    }
    return base;
}

void interpret_labels(const CreateInput& in, storage::ContainerConfig& config) {
    config.labels = in.image.config.config.labels;
    for (const std::string& file : in.options.label_files)
        for (const Assignment& assignment : read_assignments(file, "label"))
            config.labels[assignment.key] = assignment.value.value_or("");
    for (const std::string& label : in.options.labels) {
        auto [key, value] = split_once(label, '=');
        if (key.empty()) throw UsageError("invalid label '{}': its name is empty", printable(label));
        config.labels[key] = value.value_or("");
    }
    for (const std::string& annotation : in.options.annotations) {
        auto [key, value] = split_once(annotation, '=');
        if (key.empty() || !value) throw UsageError("invalid annotation '{}': it is KEY=VALUE", printable(annotation));
        config.annotations[key] = *value;
    }
}

} // namespace kist::engine
