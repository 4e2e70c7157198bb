// SPDX-License-Identifier: Apache-2.0
// -v, --mount, --tmpfs and the tmpfs of --read-only: into mounts as the runtime takes them.
#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hh"
#include "base/in_root.hh"
#include "base/size.hh"
#include "base/text.hh"
#include "engine/create_parts.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using storage::MountConfig;

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

const std::vector<std::string> propagations = {"private", "rprivate", "shared", "rshared", "slave", "rslave"};
const std::vector<std::string> access_words = {"nosuid", "suid", "nodev", "dev", "noexec", "exec"};

std::string check_destination(const std::string& text, const std::string& whole) {
    if (!text.starts_with('/'))
        throw UsageError("invalid mount '{}': mount path '{}' must be absolute", printable(whole), printable(text));
    std::string path = clean_path(text);
    if (path == "/") throw UsageError("invalid mount '{}': the destination can't be '/'", printable(whole));
    return path;
}

std::string absolute_source(const std::string& source, const std::string& whole) {
    if (source.starts_with('/')) return clean_path(source);
    if (source == "." || source == ".." || source.starts_with("./") || source.starts_with("../")) {
        char* here = get_current_dir_name();
        if (here == nullptr) throw SysError("finding the working directory");
        std::string path = clean_path(std::string(here) + "/" + source);
        free(here);
        return path;
    }
    throw UsageError("invalid mount '{}': '{}' is not a path, and this version has no named volumes", printable(whole),
                     printable(source))
        .with_hint("write a host path that starts with '/' or './'");
}

/// One word of the third part of -v. Each kind may be said once.
void add_bind_option(MountConfig& mount, const std::string& word, const std::string& whole) {
    auto refuse_second = [&](const std::vector<std::string>& kinds) {
        for (const std::string& kind : kinds)
            if (contains(mount.options, kind))
                throw UsageError("invalid mount '{}': '{}' contradicts '{}'", printable(whole), word, kind);
    };
    if (word.empty() || word == "z" || word == "Z") return; // labels: this host has no SELinux, as Docker there
    if (word == "cached" || word == "delegated" || word == "consistent" || word == "default") return; // of Docker Desktop
    if (word == "ro" || word == "rw") {
        refuse_second({"ro", "rw"});
        mount.read_write = word == "rw";
        mount.options.push_back(word);
    } else if (word == "bind" || word == "rbind") {
        refuse_second({"bind", "rbind"});
        mount.options.push_back(word);
    } else if (contains(propagations, word)) {
        refuse_second(propagations);
        mount.options.push_back(word);
    } else if (contains(access_words, word)) {
        mount.options.push_back(word);
    } else if (word == "nocopy" || word == "copy") {
        throw UsageError("invalid mount '{}': {} is only valid for volumes", printable(whole), word);
    } else {
        std::vector<std::string> known = {"ro", "rw", "bind", "rbind", "z", "Z"};
        known.insert(known.end(), propagations.begin(), propagations.end());
        known.insert(known.end(), access_words.begin(), access_words.end());
        UsageError error("invalid mount '{}': unknown option '{}'", printable(whole), printable(word));
        if (auto near = nearest(word, known); !near.empty()) error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    }
}

void complete_bind(MountConfig& mount) {
    if (!contains(mount.options, "bind") && !contains(mount.options, "rbind"))
        mount.options.insert(mount.options.begin(), "rbind");
    bool has_propagation = std::any_of(propagations.begin(), propagations.end(),
                                       [&](const std::string& word) { return contains(mount.options, word); });
    if (!has_propagation) mount.options.push_back("rprivate");
}

MountConfig parse_volume(const std::string& text) {
    std::vector<std::string> parts = split(text, ':');
    if (parts.size() < 2 || parts.size() > 3 || parts[0].empty())
        throw UsageError("invalid volume specification '{}': it is HOST-PATH:CONTAINER-PATH[:OPTIONS]", printable(text))
            .with_hint(parts.size() == 1 ? "this version has no anonymous volumes" : "");
    MountConfig mount;
    mount.source = absolute_source(parts[0], text);
    mount.destination = check_destination(parts[1], text);
    mount.create_source = true;
    if (parts.size() == 3)
        for (const std::string& word : split(parts[2], ',')) add_bind_option(mount, word, text);
    complete_bind(mount);
    return mount;
}

const std::vector<std::string> tmpfs_words = {"ro",      "rw",       "exec",     "noexec",      "suid",        "nosuid",    "dev",
                                              "nodev",   "noatime",  "relatime", "strictatime", "nodiratime",  "diratime",
                                              "tmpcopyup", "notmpcopyup", "noswap"};
const std::vector<std::string> tmpfs_keys = {"size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "huge", "mpol"};

void add_tmpfs_option(MountConfig& mount, const std::string& word, const std::string& whole) {
    auto [key, value] = split_once(word, '=');
    if (value ? !contains(tmpfs_keys, key) : !contains(tmpfs_words, word)) {
        std::vector<std::string> known = tmpfs_words;
        known.insert(known.end(), tmpfs_keys.begin(), tmpfs_keys.end());
        UsageError error("invalid tmpfs option '{}' in '{}'", printable(word), printable(whole));
        if (auto near = nearest(key, known); !near.empty()) error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    }
    if (key == "mode" && !parse_octal(*value, 07777))
        throw UsageError("invalid tmpfs mode '{}' in '{}'", printable(*value), printable(whole));
    if (word == "notmpcopyup") return; // what we do unless asked
    if (key == "size" && value && !value->ends_with('%')) {
        auto bytes = parse_bytes(*value);
        if (!bytes || *bytes < 0) throw UsageError("invalid tmpfs size '{}' in '{}'", printable(*value), printable(whole));
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

MountConfig parse_tmpfs(const std::string& text) {
    auto [path, words] = split_once(text, ':');
    MountConfig mount = new_tmpfs(check_destination(path, text));
    for (const std::string& word : split(words.value_or(""), ',')) add_tmpfs_option(mount, word, text);
    return mount;
}

bool parse_switch(const std::optional<std::string>& value, const std::string& whole) {
    if (!value || *value == "true" || *value == "1") return true;
    if (*value == "false" || *value == "0") return false;
    throw UsageError("invalid mount '{}': '{}' is not true or false", printable(whole), printable(*value));
}

/// The key=value pairs of one --mount; `known` for the nearest name.
class MountFields {
public:
    explicit MountFields(const std::string& text) : text_(text) {
        for (const std::string& field : split_csv(text)) fields_.push_back(split_once(field, '='));
    }
    /// The last value given under any of the names; takes the field away.
    std::optional<std::optional<std::string>> take(std::initializer_list<std::string_view> names) {
        std::optional<std::optional<std::string>> found;
        for (std::string_view name : names) known_.emplace_back(name);
        std::erase_if(fields_, [&](auto& field) {
            if (std::find(names.begin(), names.end(), to_lower(field.first)) == names.end()) return false;
            found = field.second;
            return true;
        });
        return found;
    }
    std::string take_text(std::initializer_list<std::string_view> names) {
        auto value = take(names);
        return value && *value ? **value : "";
    }
    void finish() const {
        if (fields_.empty()) return;
        const std::string& key = fields_.front().first;
        UsageError error("invalid mount '{}': unexpected key '{}'", printable(text_), printable(key));
        if (auto near = nearest(key, known_); !near.empty()) error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    }

private:
    const std::string& text_;
    std::vector<std::pair<std::string, std::optional<std::string>>> fields_;
    std::vector<std::string> known_;
};

void read_bind_fields(MountFields& fields, MountConfig& mount, const std::string& text) {
    std::string source = fields.take_text({"source", "src"});
    if (source.empty()) throw UsageError("invalid mount '{}': field source must not be empty", printable(text));
    mount.source = absolute_source(source, text);
    if (auto propagation = fields.take_text({"bind-propagation"}); !propagation.empty()) {
        if (!contains(propagations, propagation))
            throw UsageError("invalid mount '{}': invalid propagation '{}'", printable(text), printable(propagation));
        mount.options.push_back(propagation);
    }
    if (auto flat = fields.take({"bind-nonrecursive"}); flat && parse_switch(*flat, text)) mount.options.push_back("bind");
    if (access(mount.source.c_str(), F_OK) != 0)
        throw Error("invalid mount config for type \"bind\": bind source path does not exist: {}", mount.source);
    complete_bind(mount);
}

void read_tmpfs_fields(MountFields& fields, MountConfig& mount, const std::string& text) {
    mount.options = new_tmpfs("").options;
    if (auto size = fields.take_text({"tmpfs-size"}); !size.empty()) add_tmpfs_option(mount, "size=" + size, text);
    if (auto mode = fields.take_text({"tmpfs-mode"}); !mode.empty()) add_tmpfs_option(mount, "mode=" + mode, text);
    if (auto copy = fields.take({"tmpcopyup"}); copy && parse_switch(*copy, text)) mount.options.push_back("tmpcopyup");
    for (const char* word : {"exec", "noexec", "suid", "nosuid", "dev", "nodev"})
        if (auto given = fields.take({word}); given && parse_switch(*given, text)) mount.options.push_back(word);
}

MountConfig parse_mount(const std::string& text) {
    MountFields fields(text);
    MountConfig mount;
    std::string type = fields.take_text({"type"});
    mount.type = type.empty() ? "volume" : type;
    std::string destination = fields.take_text({"target", "destination", "dst"});
    if (destination.empty()) throw UsageError("invalid mount '{}': field target must not be empty", printable(text));
    mount.destination = check_destination(destination, text);
    if (mount.type == "bind") {
        read_bind_fields(fields, mount, text);
    } else if (mount.type == "tmpfs") {
        mount.source = "tmpfs";
        read_tmpfs_fields(fields, mount, text);
    } else if (mount.type == "devpts" || mount.type == "mqueue") {
        mount.source = mount.type;
        mount.options = {"noexec", "nosuid"};
        if (mount.type == "devpts") mount.options.insert(mount.options.end(), {"newinstance", "ptmxmode=0666", "mode=0620", "gid=5"});
    } else {
        throw UsageError("invalid mount '{}': type '{}' is not bind, tmpfs, devpts or mqueue", printable(text),
                         printable(mount.type))
            .with_hint(type.empty() ? "without type= it would be a volume, which this version does not have" : "");
    }
    if (auto read_only = fields.take({"readonly", "ro"}); read_only && parse_switch(*read_only, text)) {
        mount.read_write = false;
        mount.options.push_back("ro");
    }
    fields.finish();
    return mount;
}

void check_source(const MountConfig& mount) {
    if (mount.type != "bind" || access(mount.source.c_str(), F_OK) == 0) return;
    if (errno != ENOENT || !mount.create_source) throw SysError("mounting '{}'", mount.source);
    Dir::create(mount.source, 0755); // as docker does: an empty folder
}

void add_read_only_tmpfs(ContainerConfig& config) {
    for (const char* path : {"/run", "/tmp", "/var/tmp"}) {
        bool taken = std::any_of(config.mounts.begin(), config.mounts.end(),
                                 [&](const MountConfig& mount) { return mount.destination == path; });
        if (taken) continue;
        MountConfig mount = new_tmpfs(path);
        mount.options = {"nosuid", "nodev", "tmpcopyup", std::string(path) == "/run" ? "mode=0755" : "mode=1777"};
        config.mounts.push_back(mount);
    }
}

} // namespace

std::vector<std::string> split_csv(std::string_view text) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
            fields.back() += '"';
            ++i;
        } else if (c == '"' && (quoted || fields.back().empty())) {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else {
            fields.back() += c;
        }
    }
    if (quoted) throw UsageError("'{}': a quote is not closed", printable(text));
    return fields;
}

void interpret_mounts(const CreateInput& in, ContainerConfig& config) {
    for (const std::string& text : in.options.volumes) config.mounts.push_back(parse_volume(text));
    for (const std::string& text : in.options.mounts) config.mounts.push_back(parse_mount(text));
    for (const std::string& text : in.options.tmpfs) config.mounts.push_back(parse_tmpfs(text));
    for (std::size_t i = 0; i < config.mounts.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (config.mounts[i].destination == config.mounts[j].destination)
                throw UsageError("duplicate mount point: {}", config.mounts[i].destination);
    config.read_only = in.options.read_only;
    config.read_only_tmpfs = in.options.read_only_tmpfs.value_or(true);
    if (config.read_only && config.read_only_tmpfs) add_read_only_tmpfs(config);
    std::string shm = in.options.shm_size.empty() ? in.host.default_shm_size : in.options.shm_size;
    auto bytes = parse_bytes(shm);
    if (!bytes || *bytes <= 0) throw UsageError("invalid --shm-size '{}': SHM size must be greater than 0", printable(shm));
    config.shm_size = *bytes;
    for (const MountConfig& mount : config.mounts) check_source(mount);
}

} // namespace kist::engine
