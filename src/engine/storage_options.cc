// SPDX-License-Identifier: Apache-2.0
#include "engine/storage_options.hh"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <unistd.h>

#include "base/error.hh"
#include "base/size.hh"
#include "base/text.hh"

namespace kist::engine {

namespace {

/// What the kernel's overlay lets one choose, and how; the first word is the default.
struct Choice {
    std::string_view key;
    std::vector<std::string> values;
};
const std::vector<Choice>& choices() {
    static const std::vector<Choice> all = {{"index", {"off", "on"}},
                                            {"metacopy", {"off", "on"}},
                                            {"redirect_dir", {"on", "off", "follow", "nofollow"}},
                                            {"xino", {"auto", "off", "on"}}};
    return all;
}
constexpr auto flag_words = std::to_array<std::string_view>({"nodev", "noexec", "nosuid", "volatile"});

[[noreturn]] void refuse(const std::string& option, const std::string& key, std::vector<std::string> known) {
    UsageError error("unknown storage option '{}'", printable(option));
    if (const auto near = nearest(key, known); !near.empty())
        error.with_hint("did you mean " + quoted_choice(near) + "?");
    throw error;
}

bool parse_switch(const std::string& option, const std::string& value) {
    if (value == "true" || value == "1") return true;
    if (value == "false" || value == "0") return false;
    throw UsageError("storage option '{}': it is true or false", printable(option));
}

std::int64_t parse_size(const std::string& option, const std::string& value) {
    const auto bytes = parse_bytes(value);
    if (!bytes || *bytes <= 0) throw UsageError("storage option '{}': that is no size", printable(option));
    return *bytes;
}

class Reader {
public:
    void read(const std::string& option, const std::string& key, const std::string& value) {
        if (key == "override_kernel_check") result_.override_kernel_check = parse_switch(option, value);
        else if (key == "size") result_.size = parse_size(option, value);
        else if (key == "mountopt")
            for (const std::string& word : split(value, ',')) read_word(option, word);
        else if (key == "volatile") set_flag("volatile", parse_switch(option, value));
        else if (!set(option, key, value))
            refuse(
                option, key,
                {"override_kernel_check", "size", "mountopt", "volatile", "index", "metacopy", "redirect_dir", "xino"});
    }
    StorageOptions take() {
        for (const auto& [key, value] : chosen_) result_.mount.push_back(key + "=" + value);
        return std::move(result_);
    }

private:
    void read_word(const std::string& option, const std::string& word) {
        const auto [key, value] = split_once(word, '=');
        if (!value && std::find(flag_words.begin(), flag_words.end(), key) != flag_words.end())
            return set_flag(word, true);
        if (value && set(option, key, *value)) return;
        std::vector<std::string> known(flag_words.begin(), flag_words.end());
        for (const Choice& choice : choices()) known.emplace_back(choice.key);
        refuse(option, key, std::move(known));
    }
    bool set(const std::string& option, const std::string& key, const std::string& value) {
        for (const Choice& choice : choices()) {
            if (choice.key != key) continue;
            if (std::find(choice.values.begin(), choice.values.end(), value) == choice.values.end())
                throw UsageError("storage option '{}': {} is {}", printable(option), key, quoted_choice(choice.values));
            chosen_[key] = value;
            return true;
        }
        return false;
    }
    void set_flag(const std::string& word, bool on) {
        std::erase(result_.mount, word);
        if (on) result_.mount.push_back(word);
    }
    StorageOptions result_;
    std::map<std::string, std::string> chosen_;
};

} // namespace

StorageOptions parse_storage_options(const std::vector<std::string>& options, std::string_view driver) {
    Reader reader;
    for (const std::string& option : options) {
        const auto [name, value] = split_once(option, '=');
        const auto [of, key] = split_once(name, '.');
        if (!value || !key) throw UsageError("invalid storage option '{}': it is DRIVER.KEY=VALUE", printable(option));
        if (of == "dm")
            throw UsageError("storage option '{}' is for the driver devicemapper, which this version does not have",
                             printable(option));
        if (of != "overlay" && of != "overlay2" && of != "vfs") refuse(option, of, {"overlay", "overlay2"});
        if (of == "vfs" || driver == "vfs")
            throw UsageError("storage option '{}': the driver {} has no options", printable(option),
                             of == "vfs" ? "vfs" : driver);
        reader.read(option, *key, *value);
    }
    return reader.take();
}

std::vector<std::string> overlay_options(const StorageOptions& options) {
    std::vector<std::string> result = options.mount;
    const bool is_said = std::any_of(result.begin(), result.end(),
                                     [](const std::string& option) { return option.starts_with("redirect_dir="); });
    if (!is_said && ::access("/sys/module/overlay/parameters/redirect_dir", F_OK) == 0)
        result.emplace_back("redirect_dir=on");
    return result;
}

std::int64_t parse_container_size(const std::vector<std::string>& options) {
    std::int64_t size = 0;
    for (const std::string& option : options) {
        const auto [key, value] = split_once(option, '=');
        if (key != "size" || !value)
            throw UsageError("invalid --storage-opt '{}': a container has only size=SIZE", printable(option));
        size = parse_size(option, *value);
    }
    return size;
}

namespace {

/// The value of NAME="…" as a shell reads it, without expansions.
std::optional<std::string> variable_of(std::string_view text, std::string_view name) {
    std::optional<std::string> found;
    for (const std::string& raw : split(text, '\n')) {
        const std::string line(trim(raw));
        if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != '=') continue;
        std::string value = line.substr(name.size() + 1);
        if (value.size() > 1 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
            value = value.substr(1, value.size() - 2);
        found = value;
    }
    return found;
}

} // namespace

StorageArguments parse_storage_arguments(std::string_view text, std::string_view where) {
    constexpr std::string_view name = "KIST_STORAGE_OPTIONS";
    StorageArguments result;
    std::vector<std::string> words = split(variable_of(text, name).value_or(""), ' ');
    std::erase(words, "");
    for (std::size_t i = 0; i < words.size(); ++i) {
        auto [option, value] = split_once(words[i], '=');
        const bool is_driver = option == "--storage-driver" || option == "-s";
        if (!is_driver && option != "--storage-opt")
            throw Error("{}: {}: '{}' is neither --storage-driver nor --storage-opt", where, name, printable(words[i]));
        if (!value && ++i == words.size()) throw Error("{}: {}: {} needs a value", where, name, option);
        const std::string text_of = value ? *value : words[i];
        if (is_driver) result.driver = text_of;
        else result.options.push_back(text_of);
    }
    return result;
}

} // namespace kist::engine
