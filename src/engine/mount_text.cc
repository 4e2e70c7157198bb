// SPDX-License-Identifier: Apache-2.0
// -v and --tmpfs, and the words that a bind or a volume takes.
#include "engine/mount_text.hh"

#include <algorithm>
#include <cstdlib>

#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "base/size.hh"
#include "base/text.hh"
#include "storage/volume_store.hh"

namespace kist::engine {

namespace {

using storage::MountConfig;

const std::vector<std::string> propagations = {"private", "rprivate", "shared", "rshared", "slave", "rslave"};
const std::vector<std::string> access_words = {"nosuid", "suid", "nodev", "dev", "noexec", "exec"};
/// Of Docker Desktop; they mean nothing on Linux, and Docker takes them here, too.
const std::vector<std::string> empty_words = {"", "cached", "delegated", "consistent", "default"};

void refuse_unknown(const MountConfig& mount, const std::string& word, const std::string& whole) {
    std::vector<std::string> known = {"ro", "rw", "bind", "rbind", "z", "Z", "U", "O", "idmap"};
    if (mount.type == "volume") known.insert(known.end(), {"copy", "nocopy"});
    else known.emplace_back("follow");
    known.insert(known.end(), propagations.begin(), propagations.end());
    known.insert(known.end(), access_words.begin(), access_words.end());
    UsageError error("invalid mount '{}': unknown option '{}'", printable(whole), printable(word));
    if (auto near = nearest(word, known); !near.empty()) error.with_hint("did you mean " + quoted_choice(near) + "?");
    throw error;
}

void add_copy_word(MountConfig& mount, const std::string& word, const std::string& whole) {
    if (mount.type != "volume")
        throw UsageError("invalid mount '{}': {} is only valid for volumes", printable(whole), word);
    mount.no_copy = word == "nocopy";
}

const std::vector<std::string> tmpfs_words = {
    "ro",      "rw",       "exec",        "noexec",     "suid",     "nosuid",    "dev",         "nodev",
    "noatime", "relatime", "strictatime", "nodiratime", "diratime", "tmpcopyup", "notmpcopyup", "noswap",
    "private", "rprivate", "shared",      "rshared",    "slave",    "rslave"};
const std::vector<std::string> tmpfs_keys = {"size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "huge", "mpol"};

} // namespace

bool contains_word(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string check_destination(const std::string& text, const std::string& whole) {
    if (!text.starts_with('/'))
        throw UsageError("invalid mount '{}': mount path '{}' must be absolute", printable(whole), printable(text));
    std::string path = clean_path(text);
    if (path == "/") throw UsageError("invalid mount '{}': the destination can't be '/'", printable(whole));
    return path;
}

bool is_host_path(std::string_view source) {
    return source.starts_with('/') || source == "." || source == ".." || source.starts_with("./") ||
           source.starts_with("../");
}

std::string absolute_source(const std::string& source) {
    if (source.starts_with('/')) return clean_path(source);
    char* here = get_current_dir_name();
    if (here == nullptr) throw SysError("finding the working directory");
    std::string path = clean_path(std::string(here) + "/" + source);
    free(here);
    return path;
}

void check_relabel(const std::string& word, const std::string& whole) {
    if (access("/sys/fs/selinux/enforce", F_OK) == 0)
        throw UsageError("invalid mount '{}': '{}': this version does not relabel files, and the host has SELinux",
                         printable(whole), word);
}

void add_mount_word(MountConfig& mount, const std::string& word, const std::string& whole) {
    auto refuse_second = [&](const std::vector<std::string>& kinds) {
        for (const std::string& kind : kinds)
            if (contains_word(mount.options, kind))
                throw UsageError("invalid mount '{}': '{}' contradicts '{}'", printable(whole), word, kind);
    };
    if (contains_word(empty_words, word)) return;
    if (word == "z" || word == "Z") return check_relabel(word, whole);
    if (word == "copy" || word == "nocopy") return add_copy_word(mount, word, whole);
    if (word == "ro" || word == "rw") {
        refuse_second({"ro", "rw"});
        mount.read_write = word == "rw";
        mount.options.push_back(word);
    } else if (word == "bind" || word == "rbind") {
        refuse_second({"bind", "rbind"});
        mount.options.push_back(word);
    } else if (contains_word(propagations, word)) {
        refuse_second(propagations);
        mount.options.push_back(word);
    } else if (word == "O") {
        mount.is_overlay = true;
    } else if (word.starts_with("upperdir=") || word.starts_with("workdir=")) {
        (word[0] == 'u' ? mount.upper : mount.work) = absolute_source(word.substr(word.find('=') + 1));
    } else if (word == "idmap" || word.starts_with("idmap=")) {
        refuse_second({"idmap"});
        add_idmap(mount, word.size() > 5 ? word.substr(6) : "", whole);
    } else if (word == "follow") {
        if (mount.type != "bind")
            throw UsageError("invalid mount '{}': follow is only valid for a file of the host", printable(whole));
        mount.options.emplace_back("kist.follow");
    } else if (word == "U") {
        mount.options.emplace_back("kist.chown");
    } else if (contains_word(access_words, word)) {
        mount.options.push_back(word);
    } else {
        refuse_unknown(mount, word, whole);
    }
}

void check_overlay(const MountConfig& mount, const std::string& whole) {
    const auto refuse = [&](const char* why) { throw UsageError("invalid mount '{}': {}", printable(whole), why); };
    if (!mount.is_overlay && !(mount.upper + mount.work).empty()) refuse("upperdir and workdir need 'O'");
    if (mount.upper.empty() != mount.work.empty()) refuse("upperdir and workdir go together");
    if (mount.is_overlay && !mount.read_write) refuse("'O' contradicts 'ro'");
    for (const auto& [option, word] :
         {std::pair{"kist.chown", "U"}, std::pair{"kist.follow", "follow"}, std::pair{"idmap", "idmap"}})
        if (mount.is_overlay && contains_word(mount.options, option))
            throw UsageError("invalid mount '{}': 'O' contradicts '{}'", printable(whole), word);
}

void complete_bind(MountConfig& mount) {
    if (!contains_word(mount.options, "bind") && !contains_word(mount.options, "rbind"))
        mount.options.insert(mount.options.begin(), "rbind");
    bool has_propagation = std::any_of(propagations.begin(), propagations.end(),
                                       [&](const std::string& word) { return contains_word(mount.options, word); });
    if (!has_propagation) mount.options.push_back("rprivate");
}

AskedMount parse_volume_option(const std::string& text) {
    std::vector<std::string> parts = split(text, ':');
    if (parts.empty() || parts.size() > 3 || parts[0].empty())
        throw UsageError("invalid volume specification '{}': it is [HOST-PATH:|VOLUME:]CONTAINER-PATH[:OPTIONS]",
                         printable(text));
    AskedMount asked;
    MountConfig& mount = asked.mount;
    if (parts.size() == 1) {
        mount.type = "volume"; // without a name: an anonymous one
    } else if (is_host_path(parts[0])) {
        mount.source = absolute_source(parts[0]);
        mount.create_source = true;
    } else {
        if (!storage::is_volume_name(parts[0]))
            throw UsageError("invalid mount '{}': '{}' is neither a path nor a volume's name", printable(text),
                             printable(parts[0]))
                .with_hint("a host path starts with '/' or './'; names have letters, digits, '_', '.' and '-'");
        mount.type = "volume";
        mount.name = parts[0];
    }
    mount.destination = check_destination(parts.size() == 1 ? parts[0] : parts[1], text);
    if (parts.size() == 3)
        for (const std::string& word : split(parts[2], ',')) add_mount_word(mount, word, text);
    check_overlay(mount, text);
    complete_bind(mount);
    return asked;
}

void add_tmpfs_option(MountConfig& mount, const std::string& word, const std::string& whole) {
    auto [key, value] = split_once(word, '=');
    if (value ? !contains_word(tmpfs_keys, key) : !contains_word(tmpfs_words, word)) {
        std::vector<std::string> known = tmpfs_words;
        known.insert(known.end(), tmpfs_keys.begin(), tmpfs_keys.end());
        UsageError error("invalid tmpfs option '{}' in '{}'", printable(word), printable(whole));
        if (auto near = nearest(key, known); !near.empty())
            error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    }
    if (key == "mode" && !parse_octal(*value, 07777))
        throw UsageError("invalid tmpfs mode '{}' in '{}'", printable(*value), printable(whole));
    if (word == "notmpcopyup") return; // what we do unless asked
    if (key == "size" && value && !value->ends_with('%')) {
        auto bytes = parse_bytes(*value);
        if (!bytes || *bytes < 0)
            throw UsageError("invalid tmpfs size '{}' in '{}'", printable(*value), printable(whole));
        mount.options.push_back("size=" + std::to_string(*bytes));
        return;
    }
    if (word == "ro" || word == "rw") mount.read_write = word == "rw";
    mount.options.push_back(word);
}

MountConfig new_tmpfs(const std::string& destination) {
    MountConfig mount;
    mount.type = "tmpfs";
    mount.source = "tmpfs";
    mount.destination = destination;
    mount.options = {"noexec", "nosuid", "nodev"};
    return mount;
}

AskedMount parse_tmpfs_option(const std::string& text) {
    auto [path, words] = split_once(text, ':');
    AskedMount asked;
    asked.mount = new_tmpfs(check_destination(path, text));
    for (const std::string& word : split(words.value_or(""), ',')) add_tmpfs_option(asked.mount, word, text);
    return asked;
}

} // namespace kist::engine
