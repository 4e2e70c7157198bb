// SPDX-License-Identifier: Apache-2.0
// --change of import and commit: Containerfile instructions that only set the image's configuration.
#include <cctype>

#include "base/json.hh"
#include "base/signals.hh"
#include "base/text.hh"
#include "engine/create_parts.hh"
#include "engine/image_use_cases.hh"

namespace kist::engine {

namespace {

using oci::ContainerDefaults;

/// "ENV A=1" gives {"ENV", "A=1"}.
std::pair<std::string, std::string> split_instruction(const std::string& change) {
    const std::string_view text = trim(change);
    const auto blank = text.find_first_of(" \t");
    if (blank == std::string_view::npos) return {to_upper(text), ""};
    return {to_upper(text.substr(0, blank)), std::string(trim(text.substr(blank)))};
}

[[noreturn]] void refuse(const std::string& name, const std::string& reason) {
    throw UsageError("invalid --change '{}': {}", printable(name), reason);
}

/// Exec form ["a","b"] as it is; shell form through /bin/sh -c.
std::vector<std::string> command_of(const std::string& name, const std::string& text) {
    if (!text.starts_with('[')) return {"/bin/sh", "-c", text};
    std::vector<std::string> words;
    read_value(json::parse(text, "--change " + name), words, Place("--change " + name));
    return words;
}

/// Words separated by blanks; quotes group, a backslash takes the next character as it is.
std::vector<std::string> words_of(const std::string& name, const std::string& text) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            word += text[++i];
            in_word = true;
        } else if (quote != 0) {
            if (c == quote) quote = 0;
            else word += c;
        } else if (c == '"' || c == '\'') {
            quote = c;
            in_word = true;
        } else if (c == ' ' || c == '\t') {
            if (in_word) words.push_back(std::exchange(word, {}));
            in_word = false;
        } else {
            word += c;
            in_word = true;
        }
    }
    if (quote != 0) refuse(name, "a quote is not closed");
    if (in_word) words.push_back(word);
    return words;
}

/// "A=1 B=2", or the old form "A some value".
std::vector<std::pair<std::string, std::string>> pairs_of(const std::string& name, const std::string& text) {
    std::vector<std::pair<std::string, std::string>> pairs;
    const std::vector<std::string> words = words_of(name, text);
    if (words.empty()) refuse(name, "needs KEY=VALUE");
    if (words.front().find('=') == std::string::npos) {
        const auto blank = text.find_first_of(" \t");
        if (blank == std::string::npos) refuse(name, "needs KEY=VALUE");
        return {{text.substr(0, blank), std::string(trim(std::string_view(text).substr(blank)))}};
    }
    for (const std::string& word : words) {
        auto [key, value] = split_once(word, '=');
        if (key.empty() || !value) refuse(name, "'" + printable(word) + "' is not KEY=VALUE");
        pairs.emplace_back(key, *value);
    }
    return pairs;
}

void set_env(ContainerDefaults& config, const std::string& text) {
    for (const auto& [key, value] : pairs_of("ENV", text)) {
        std::erase_if(config.env, [&](const std::string& entry) { return entry.starts_with(key + "="); });
        config.env.push_back(key + "=" + value);
    }
}

/// "80", "53/udp", "8000-8010/tcp"
void expose(ContainerDefaults& config, const std::string& text) {
    for (const std::string& word : words_of("EXPOSE", text)) {
        const auto [range, protocol] = split_once(word, '/');
        const auto [low, high] = split_once(range, '-');
        const auto first = parse_unsigned(low, 65535), last = parse_unsigned(high.value_or(low), 65535);
        const std::string kind = to_lower(protocol.value_or("tcp"));
        if (!first || !last || *first == 0 || *last < *first || (kind != "tcp" && kind != "udp" && kind != "sctp"))
            refuse("EXPOSE " + word, "expected PORT[-PORT][/tcp|udp|sctp]");
        config.exposed_ports[range + "/" + kind];
    }
}

void add_volumes(ContainerDefaults& config, const std::string& text) {
    for (const std::string& path : text.starts_with('[') ? command_of("VOLUME", text) : words_of("VOLUME", text)) {
        if (path.empty()) refuse("VOLUME", "an empty path");
        config.volumes[path];
    }
}

void apply(ContainerDefaults& config, const std::string& change) {
    const auto [name, text] = split_instruction(change);
    if (text.empty()) refuse(change, "expected INSTRUCTION VALUE");
    if (name == "CMD") {
        config.cmd = command_of(name, text);
    } else if (name == "ENTRYPOINT") {
        config.entrypoint = command_of(name, text);
    } else if (name == "ENV") {
        set_env(config, text);
    } else if (name == "EXPOSE") {
        expose(config, text);
    } else if (name == "HEALTHCHECK") {
        config.healthcheck = parse_healthcheck(text);
    } else if (name == "LABEL") {
        for (const auto& [key, value] : pairs_of(name, text)) config.labels[key] = value;
    } else if (name == "USER") {
        config.user = text;
    } else if (name == "VOLUME") {
        add_volumes(config, text);
    } else if (name == "WORKDIR") {
        if (!text.starts_with('/')) refuse(change, "the folder must be an absolute path");
        config.working_dir = text;
    } else if (name == "STOPSIGNAL") {
        if (!parse_signal(text)) refuse(change, "no such signal");
        config.stop_signal = text;
    } else if (name == "ONBUILD") {
        config.on_build.push_back(text);
    } else {
        refuse(
            change,
            "expected CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR");
    }
}

} // namespace

ContainerDefaults apply_changes(const std::vector<std::string>& changes, ContainerDefaults config) {
    for (const std::string& change : changes) {
        if (change.find('\0') != std::string::npos) refuse(change, "it holds a zero byte");
        apply(config, change);
    }
    return config;
}

} // namespace kist::engine
