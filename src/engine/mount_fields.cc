// SPDX-License-Identifier: Apache-2.0
// --mount: fields KEY=VALUE separated by commas, other ones for each type.
#include <algorithm>

#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"
#include "engine/create_parts.hh"
#include "engine/mount_text.hh"
#include "storage/volume_store.hh"

namespace kist::engine {

namespace {

using storage::MountConfig;

bool parse_switch(const std::optional<std::string>& value, const std::string& whole) {
    if (!value || *value == "true" || *value == "1") return true;
    if (*value == "false" || *value == "0") return false;
    throw UsageError("invalid mount '{}': '{}' is not true or false", printable(whole), printable(*value));
}

/// The key=value pairs of one --mount; those that were asked for are known, for the nearest name.
class MountFields {
public:
    explicit MountFields(const std::string& text) : text_(text) {
        for (const std::string& field : split_csv(text)) fields_.push_back(split_once(field, '='));
    }
    using Value = std::optional<std::string>;
    /// All values given under any of the names; takes the fields away.
    std::vector<Value> take_all(std::initializer_list<std::string_view> names) {
        std::vector<Value> found;
        for (std::string_view name : names) known_.emplace_back(name);
        std::erase_if(fields_, [&](auto& field) {
            if (std::find(names.begin(), names.end(), to_lower(field.first)) == names.end()) return false;
            found.push_back(field.second);
            return true;
        });
        return found;
    }
    /// The last of them.
    std::optional<Value> take(std::initializer_list<std::string_view> names) {
        const std::vector<Value> found = take_all(names);
        if (found.empty()) return std::nullopt;
        return std::optional<Value>(std::in_place, found.back());
    }
    std::string take_text(std::initializer_list<std::string_view> names) {
        auto value = take(names);
        return value && *value ? **value : "";
    }
    bool take_switch(std::initializer_list<std::string_view> names) {
        auto value = take(names);
        return value && parse_switch(*value, text_);
    }
    /// "volume-label=a=b": a pair in the value.
    std::map<std::string, std::string> take_pairs(std::initializer_list<std::string_view> names) {
        std::map<std::string, std::string> pairs;
        for (const Value& value : take_all(names)) {
            const auto [key, text] = split_once(value.value_or(""), '=');
            if (key.empty())
                throw UsageError("invalid mount '{}': {} needs KEY=VALUE", printable(text_), *names.begin());
            pairs[key] = text.value_or("");
        }
        return pairs;
    }
    void finish() const {
        if (fields_.empty()) return;
        const std::string& key = fields_.front().first;
        UsageError error("invalid mount '{}': unexpected key '{}'", printable(text_), printable(key));
        if (auto near = nearest(key, known_); !near.empty())
            error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    }
    const std::string& text() const { return text_; }

private:
    const std::string& text_;
    std::vector<std::pair<std::string, Value>> fields_;
    std::vector<std::string> known_;
};

/// readonly, ro and rw are alike.
void read_access(MountFields& fields, MountConfig& mount) {
    bool read_only = fields.take_switch({"readonly", "ro"});
    if (auto writable = fields.take({"rw", "readwrite"})) {
        if (read_only) throw UsageError("invalid mount '{}': 'rw' contradicts 'readonly'", printable(fields.text()));
        read_only = !parse_switch(*writable, fields.text());
    }
    if (!read_only) return;
    mount.read_write = false;
    mount.options.emplace_back("ro");
}

void read_access_words(MountFields& fields, MountConfig& mount) {
    for (const char* word : {"exec", "noexec", "suid", "nosuid", "dev", "nodev"})
        if (fields.take_switch({word})) mount.options.emplace_back(word);
}

/// What a bind and a volume have in common.
void read_bind_words(MountFields& fields, MountConfig& mount) {
    const std::string& text = fields.text();
    if (auto propagation = fields.take_text({"bind-propagation"}); !propagation.empty()) {
        if (!propagation.ends_with("private") && !propagation.ends_with("shared") && !propagation.ends_with("slave"))
            throw UsageError("invalid mount '{}': invalid propagation '{}'", printable(text), printable(propagation));
        add_mount_word(mount, propagation, text);
    }
    read_access_words(fields, mount);
    if (fields.take_switch({"u", "chown"})) mount.options.emplace_back("kist.chown");
    if (const auto ranges = fields.take({"idmap"})) add_idmap(mount, ranges->value_or(""), text);
    if (auto relabel = fields.take_text({"relabel"}); !relabel.empty()) {
        if (relabel != "shared" && relabel != "private")
            throw UsageError("invalid mount '{}': relabel is shared or private, not '{}'", printable(text),
                             printable(relabel));
        check_relabel(relabel, text);
    }
    fields.take({"consistency"}); // of Docker Desktop
    complete_bind(mount);
}

void read_recursion(MountFields& fields, MountConfig& mount) {
    if (fields.take_switch({"bind-nonrecursive"})) mount.options.emplace_back("bind");
    const std::string how = fields.take_text({"bind-recursive"});
    if (how.empty() || how == "enabled" || how == "true") return;
    if (how == "disabled" || how == "false") {
        if (!contains_word(mount.options, "bind")) mount.options.emplace_back("bind");
    } else if (how == "readonly") {
        mount.options.emplace_back("rro"); // what lies below, too
    } else if (how != "writable") {
        throw UsageError("invalid mount '{}': bind-recursive is enabled, disabled, writable or readonly, not '{}'",
                         printable(fields.text()), printable(how));
    }
}

void read_bind_fields(MountFields& fields, MountConfig& mount) {
    const std::string& text = fields.text();
    std::string source = fields.take_text({"source", "src"});
    if (source.empty()) throw UsageError("invalid mount '{}': field source must not be empty", printable(text));
    if (!is_host_path(source))
        throw UsageError("invalid mount '{}': the source '{}' of a bind is a path", printable(text), printable(source))
            .with_hint("it starts with '/' or './'; type=volume mounts a volume");
    mount.source = absolute_source(source);
    mount.create_source = fields.take_switch({"bind-create-src"});
    if (fields.take_switch({"follow"})) mount.options.emplace_back("kist.follow");
    read_recursion(fields, mount);
    read_bind_words(fields, mount);
    if (!mount.create_source && access(mount.source.c_str(), F_OK) != 0)
        throw Error("invalid mount config for type \"bind\": bind source path does not exist: {}", mount.source);
}

/// A path below the mounted thing; ".." is refused here, links are kept inside when it is mounted.
std::string read_subpath(MountFields& fields, std::initializer_list<std::string_view> names) {
    const std::string path = fields.take_text(names);
    const std::vector<std::string> parts = split(path, '/');
    if (path.starts_with('/') || contains_word(parts, ".."))
        throw UsageError("invalid mount '{}': the subpath '{}' is not below the mount's source",
                         printable(fields.text()), printable(path));
    return path;
}

void read_volume_fields(MountFields& fields, AskedMount& asked) {
    MountConfig& mount = asked.mount;
    mount.name = fields.take_text({"source", "src", "volume-name"});
    if (!mount.name.empty() && !storage::is_volume_name(mount.name))
        throw UsageError("invalid mount '{}': '{}' is no name of a volume", printable(fields.text()),
                         printable(mount.name));
    mount.no_copy = fields.take_switch({"volume-nocopy", "nocopy"});
    mount.subpath = read_subpath(fields, {"volume-subpath", "subpath"});
    if (const auto driver = fields.take_text({"volume-driver"}); !driver.empty()) asked.volume_driver = driver;
    asked.volume_labels = fields.take_pairs({"volume-label"});
    asked.volume_options = fields.take_pairs({"volume-opt"});
    read_bind_words(fields, mount);
}

void read_image_fields(MountFields& fields, MountConfig& mount) {
    mount.name = fields.take_text({"source", "src"});
    if (mount.name.empty())
        throw UsageError("invalid mount '{}': field source must not be empty", printable(fields.text()));
    mount.subpath = read_subpath(fields, {"image-subpath", "subpath"});
    mount.read_write = fields.take_switch({"rw", "readwrite"});
    fields.take({"readonly", "ro"}); // what it is unless rw
    if (mount.read_write && !mount.subpath.empty())
        throw UsageError("invalid mount '{}': a subpath of an image is read-only", printable(fields.text()));
}

void read_tmpfs_fields(MountFields& fields, MountConfig& mount) {
    const std::string& text = fields.text();
    mount.source = mount.type;
    mount.options = new_tmpfs("").options;
    if (auto size = fields.take_text({"tmpfs-size"}); !size.empty()) add_tmpfs_option(mount, "size=" + size, text);
    if (auto mode = fields.take_text({"tmpfs-mode"}); !mode.empty()) add_tmpfs_option(mount, "mode=" + mode, text);
    if (fields.take_switch({"tmpcopyup"})) mount.options.emplace_back("tmpcopyup");
    if (fields.take_switch({"notmpcopyup"})) std::erase(mount.options, "tmpcopyup");
    read_access_words(fields, mount);
}

void read_devpts_fields(MountFields& fields, MountConfig& mount) {
    mount.source = "devpts";
    mount.options = {"noexec", "nosuid", "newinstance", "ptmxmode=0666"};
    const auto number = [&](const char* key, const char* otherwise, bool octal) {
        const std::string value = fields.take_text({key});
        const bool valid = value.empty() || (octal ? parse_octal(value, 07777).has_value()
                                                   : parse_unsigned(value, UINT32_MAX - 1).has_value());
        if (!valid)
            throw UsageError("invalid mount '{}': {}='{}' is not a number", printable(fields.text()), key,
                             printable(value));
        const std::string used = value.empty() ? otherwise : value;
        if (!used.empty()) mount.options.push_back(std::string(key) + "=" + used);
    };
    number("mode", "0620", true);
    number("gid", "5", false);
    number("uid", "", false);
    number("max", "", false);
}

} // namespace

AskedMount parse_mount_option(const std::string& text) {
    MountFields fields(text);
    AskedMount asked;
    MountConfig& mount = asked.mount;
    const std::string type = fields.take_text({"type"});
    mount.type = type.empty() ? "volume" : type;
    std::string destination = fields.take_text({"target", "destination", "dst"});
    if (destination.empty()) throw UsageError("invalid mount '{}': field target must not be empty", printable(text));
    mount.destination = check_destination(destination, text);
    if (mount.type == "bind") {
        read_bind_fields(fields, mount);
    } else if (mount.type == "volume") {
        read_volume_fields(fields, asked);
    } else if (mount.type == "image") {
        read_image_fields(fields, mount);
    } else if (mount.type == "tmpfs" || mount.type == "ramfs") {
        read_tmpfs_fields(fields, mount);
    } else if (mount.type == "devpts") {
        read_devpts_fields(fields, mount);
    } else if (mount.type == "mqueue") {
        mount.source = mount.type;
        mount.options = {"noexec", "nosuid"};
    } else {
        throw UsageError("invalid mount '{}': type '{}' is not bind, volume, image, tmpfs, ramfs, devpts or mqueue",
                         printable(text), printable(mount.type));
    }
    if (mount.type != "image") read_access(fields, mount);
    fields.finish();
    return asked;
}

} // namespace kist::engine
