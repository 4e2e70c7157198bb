// SPDX-License-Identifier: Apache-2.0
#include "engine/volume_source.hh"

#include <algorithm>

#include "base/in_root.hh"
#include "base/size.hh"
#include "base/text.hh"
#include "oci/run/mount_options.hh"

namespace kist::engine {

namespace {

using storage::VolumeRecord;

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string option(const VolumeRecord& record, const char* key) {
    const auto found = record.options.find(key);
    return found == record.options.end() ? "" : found->second;
}

/// Words that make sense for a folder: they are the mount's, not the file system's.
const std::vector<std::string> folder_words = {"ro",          "rw",         "nosuid",  "suid",    "nodev",
                                               "dev",         "noexec",     "exec",    "noatime", "relatime",
                                               "strictatime", "nodiratime", "diratime"};
const std::vector<std::string> bind_words = {"bind",   "rbind",   "private", "rprivate",
                                             "shared", "rshared", "slave",   "rslave"};

[[noreturn]] void refuse_word(const std::string& word, std::vector<std::string> known) {
    UsageError error("unknown word '{}' in option 'o' of the volume", printable(word));
    if (const auto near = nearest(split_once(word, '=').first, known); !near.empty())
        error.with_hint("did you mean " + quoted_choice(near) + "?");
    else error.with_hint("words for a file system need 'type' and 'device'");
    throw error;
}

/// size= and inodes= of a folder; tmpfs has options of that name of its own.
bool read_limit(VolumeSource& source, const std::string& word) {
    const auto [key, value] = split_once(word, '=');
    if (source.kind != VolumeSource::Kind::folder || (key != "size" && key != "inodes")) return false;
    std::optional<std::int64_t> limit;
    if (key == "size") limit = parse_bytes(value.value_or(""));
    if (key == "inodes") limit = parse_signed(value.value_or(""));
    if (!limit || *limit <= 0)
        throw UsageError("invalid word '{}' in option 'o' of the volume: it is {}=NUMBER", printable(word), key);
    (key == "size" ? source.size_limit : source.file_limit) = *limit;
    return true;
}

/// True when it was one that every kind takes.
bool read_common_word(VolumeSource& source, const std::string& word) {
    const auto [key, value] = split_once(word, '=');
    if (word == "nocopy" || word == "copy") {
        source.no_copy = word == "nocopy";
        return true;
    }
    if ((key != "uid" && key != "gid") || source.kind == VolumeSource::Kind::file_system) return false;
    const auto id = value ? parse_unsigned(*value, UINT32_MAX - 1) : std::nullopt;
    if (!id) throw UsageError("invalid word '{}' in option 'o' of the volume: it is {}=NUMBER", printable(word), key);
    (key == "uid" ? source.uid : source.gid) = static_cast<std::uint32_t>(*id);
    return true;
}

void read_words(VolumeSource& source, const std::vector<std::string>& words) {
    for (const std::string& word : words) {
        if (word.empty() || read_common_word(source, word) || read_limit(source, word)) continue;
        const bool known = source.kind == VolumeSource::Kind::file_system || contains(folder_words, word) ||
                           (source.kind == VolumeSource::Kind::bind && contains(bind_words, word));
        if (!known) {
            std::vector<std::string> all = folder_words;
            all.insert(all.end(), {"uid", "gid", "size", "inodes", "copy", "nocopy", "bind"});
            refuse_word(word, all);
        }
        source.options.push_back(word);
    }
}

/// Docker's spelling, an option of its own.
void read_size_option(VolumeSource& source, const std::string& size) {
    if (source.kind != VolumeSource::Kind::folder)
        throw UsageError("option 'size' is for a volume that is a folder of kist's own");
    read_limit(source, "size=" + size);
}

/// mount(8) looks names up; the kernel cannot.
void check_address(const VolumeSource& source) {
    if (!source.type.starts_with("nfs")) return;
    for (const std::string& word : source.options) {
        if (!word.starts_with("addr=")) continue;
        if (word.find_first_not_of("0123456789abcdefABCDEF.:", 5) != word.npos)
            throw UsageError(
                "'{}' in option 'o' of the volume: the address of an NFS server is a number here, not a name",
                printable(word));
        return;
    }
    throw UsageError("a volume of type '{}' needs the word addr=ADDRESS in option 'o'", printable(source.type));
}

void check_device(const VolumeSource& source) {
    if (source.kind == VolumeSource::Kind::bind && !source.device.starts_with('/'))
        throw UsageError("the 'device' of a bound volume is an absolute path of the host, not '{}'",
                         printable(source.device));
    if (source.kind == VolumeSource::Kind::file_system && source.device.empty())
        throw UsageError("a volume of type '{}' needs the option 'device'", printable(source.type));
}

} // namespace

VolumeSource plan_volume_source(const VolumeRecord& record) {
    VolumeSource source;
    const std::vector<std::string> words = split(option(record, "o"), ',');
    source.type = option(record, "type");
    source.device = option(record, "device");
    if (contains(words, "bind") || contains(words, "rbind") || source.type == "bind") {
        source.kind = VolumeSource::Kind::bind;
        source.type = "bind";
    } else if (!source.type.empty() && source.type != "none") {
        source.kind = VolumeSource::Kind::file_system;
        if (source.type == "tmpfs" && source.device.empty()) source.device = "tmpfs";
    } else if (!source.device.empty() || source.type == "none") {
        throw UsageError("a volume with 'device' or 'type=none' needs a type, or the word 'bind' in option 'o'");
    }
    read_words(source, words);
    if (const std::string size = option(record, "size"); !size.empty()) read_size_option(source, size);
    check_device(source);
    check_address(source);
    if (source.kind == VolumeSource::Kind::bind) source.device = clean_path(source.device);
    oci::parse_mount_options(source.options); // refuses what the runtime does not know
    return source;
}

oci::Mount plan_volume_mount(const storage::MountConfig& asked, const VolumeRecord& record, const VolumeFacts& facts) {
    const VolumeSource source = plan_volume_source(record);
    oci::Mount mount{asked.destination, "bind", facts.data_path, source.options};
    const bool copies = !asked.no_copy && !source.no_copy;
    if (source.kind == VolumeSource::Kind::file_system) {
        mount.type = source.type;
        mount.source = source.device;
        if (copies && source.type == "tmpfs") mount.options.emplace_back("tmpcopyup");
        // What only a bind takes.
        for (const std::string& word : asked.options)
            if (word != "bind" && word != "rbind") mount.options.push_back(word);
        return mount;
    }
    if (source.kind == VolumeSource::Kind::bind) mount.source = source.device;
    const bool has_owner = record.uid != 0 || record.gid != 0;
    if (source.kind == VolumeSource::Kind::folder && facts.is_fresh && has_owner)
        mount.options.emplace_back("kist.keep-owner");
    if (source.kind == VolumeSource::Kind::folder && facts.is_fresh)
        mount.options.emplace_back(copies ? (record.auto_remove ? "kist.seed=volatile" : "kist.seed=durable")
                                          : "kist.seed=owner");
    mount.options.insert(mount.options.end(), asked.options.begin(), asked.options.end());
    if (!asked.subpath.empty()) mount.options.push_back("kist.subpath=" + asked.subpath);
    return mount;
}

} // namespace kist::engine
