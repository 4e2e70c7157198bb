// SPDX-License-Identifier: Apache-2.0
// One table per kind of word.
#include "oci/run/mount_options.hh"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

struct FlagWord {
    std::string_view name;
    std::uint64_t set;
    std::uint64_t clear;
};
constexpr auto flag_words = std::to_array<FlagWord>({
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", 0, MOUNT_ATTR__ATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", 0, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", 0, MOUNT_ATTR__ATIME},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
});

struct PropagationWord {
    std::string_view name;
    std::uint64_t value;
    bool recursive;
};
constexpr auto propagation_words = std::to_array<PropagationWord>({
    {"private", MS_PRIVATE, false},
    {"rprivate", MS_PRIVATE, true},
    {"slave", MS_SLAVE, false},
    {"rslave", MS_SLAVE, true},
    {"shared", MS_SHARED, false},
    {"rshared", MS_SHARED, true},
    {"unbindable", MS_UNBINDABLE, false},
    {"runbindable", MS_UNBINDABLE, true},
});

/// Words without a meaning of their own: the state they ask for is the one there is.
constexpr auto empty_words = std::to_array<std::string_view>({"defaults", "loud", "async", "nomand", "nolazytime"});
constexpr auto refused_words = std::to_array<std::string_view>({"remount"});

template <typename Words>
auto find_word(const Words& words, std::string_view name) {
    return std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.name == name; });
}
template <typename Words>
bool contains(const Words& words, std::string_view name) {
    return std::find(words.begin(), words.end(), name) != words.end();
}

bool apply_flag(MountOptions& options, std::string_view name) {
    if (const auto* word = find_word(flag_words, name); word != flag_words.end()) {
        options.flags = (options.flags & ~word->clear) | word->set;
        return true;
    }
    if (!name.starts_with('r')) return false;
    const auto* word = find_word(flag_words, name.substr(1));
    if (word == flag_words.end()) return false;
    options.tree.set = (options.tree.set & ~word->clear) | word->set;
    options.tree.clear = (options.tree.clear & ~word->set) | word->clear;
    return true;
}

bool apply_kind(MountOptions& options, std::string_view name) {
    if (name == "bind" || name == "rbind") {
        options.bind = true;
        options.recursive_bind = options.recursive_bind || name == "rbind";
        return true;
    }
    if (name == "idmap" || name == "ridmap") {
        options.idmap = name == "idmap" ? Idmap::one : Idmap::tree;
        return true;
    }
    if (name == "tmpcopyup") return options.copy_up = true;
    const auto* word = find_word(propagation_words, name);
    if (word == propagation_words.end()) return false;
    options.propagation = word->value;
    options.recursive_propagation = word->recursive;
    return true;
}

/// Words of our own, for what a runtime spec cannot say.
bool apply_own(MountOptions& options, std::string_view key, const std::optional<std::string>& value) {
    if (key == "kist.keep-owner" && !value) return options.keep_owner = true;
    if (key == "kist.follow" && !value) return options.follow = true;
    if (key == "kist.chown" && !value) return options.give_to_user = true;
    if (!value) return false;
    if (key == "kist.subpath") {
        options.subpath = *value;
        return true;
    }
    if (key != "kist.seed") return false;
    using Seed = MountOptions::Seed;
    if (*value == "owner") options.seed = Seed::owner;
    if (*value == "durable") options.seed = Seed::durable;
    if (*value == "volatile") options.seed = Seed::volatile_;
    return options.seed != Seed::none;
}

} // namespace

std::vector<std::string> known_mount_options() {
    std::vector<std::string> words{"bind", "rbind", "tmpcopyup", "idmap", "ridmap"};
    for (const FlagWord& word : flag_words) {
        words.emplace_back(word.name);
        words.push_back("r" + std::string(word.name));
    }
    for (const PropagationWord& word : propagation_words) words.emplace_back(word.name);
    words.insert(words.end(), empty_words.begin(), empty_words.end());
    std::sort(words.begin(), words.end());
    return words;
}

MountOptions parse_mount_options(const std::vector<std::string>& words) {
    MountOptions options;
    for (const std::string& word : words) {
        if (word.empty() || contains(empty_words, word)) continue;
        if (apply_kind(options, word) || apply_flag(options, word)) continue;
        auto [key, value] = split_once(word, '=');
        if (apply_own(options, key, value)) continue;
        if (contains(refused_words, key)) throw Error("mount option '{}' is not supported", key);
        options.data.push_back({key, value.value_or(""), !value.has_value()});
    }
    return options;
}

} // namespace kist::oci
