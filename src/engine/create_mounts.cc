// SPDX-License-Identifier: Apache-2.0
// What a container mounts: of -v, --mount, --tmpfs first, then of --volumes-from, then the image's VOLUMEs, then the tmpfs of
// --read-only. The first that names a destination has it.
#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hh"
#include "base/size.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/create_parts.hh"
#include "engine/mount_text.hh"
#include "engine/storage_options.hh"
#include "engine/volumes.hh"
#include "storage/quota.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using storage::MountConfig;

bool is_taken(const ContainerConfig& config, const std::string& destination) {
    return std::any_of(config.mounts.begin(), config.mounts.end(),
                       [&](const MountConfig& mount) { return mount.destination == destination; });
}

/// Every volume that is named is made when it is missing; one without a name is this container's own.
void note_volume(const CreateInput& in, const ContainerConfig& config, AskedMount& asked) {
    MountConfig& mount = asked.mount;
    storage::VolumeRecord record;
    if (mount.name.empty()) {
        mount.name = storage::anonymous_volume_name(config.id);
        mount.anonymous = record.anonymous = true;
        record.owner = config.id;
        record.auto_remove = in.options.rm;
    }
    record.name = mount.name;
    record.created = config.created;
    record.driver = asked.volume_driver;
    record.labels = std::move(asked.volume_labels);
    record.options = std::move(asked.volume_options);
    complete_volume(record);
    in.new_volumes.push_back(std::move(record));
}

void note_image(const CreateInput& in, MountConfig& mount) {
    const storage::ImageRecord image = in.find_image(mount.name);
    if (image.top_layer.empty()) throw Error("mounting image '{}': it has no layers", mount.name);
    mount.layer = image.top_layer;
}

void add(const CreateInput& in, ContainerConfig& config, AskedMount asked) {
    if (is_taken(config, asked.mount.destination))
        throw UsageError("duplicate mount point: {}", asked.mount.destination);
    if (asked.mount.type == "volume") note_volume(in, config, asked);
    if (asked.mount.type == "image") note_image(in, asked.mount);
    config.mounts.push_back(std::move(asked.mount));
}

/// CONTAINER[:ro|rw|z|Z]: its binds and volumes, as they are there.
void add_from(const CreateInput& in, ContainerConfig& config, const std::string& text) {
    const auto [name, mode] = split_once(text, ':');
    bool read_only = false;
    for (const std::string& word : split(mode.value_or(""), ',')) {
        if (word == "z" || word == "Z") check_relabel(word, text);
        else if (word != "ro" && word != "rw")
            throw UsageError("invalid --volumes-from '{}': the mode is ro, rw, z or Z, not '{}'", printable(text),
                             printable(word));
        read_only = read_only || word == "ro";
    }
    const storage::ContainerView other = in.find_container(name);
    if (!other.damage.empty()) throw Error("taking volumes from container '{}': {}", name, other.damage);
    for (MountConfig mount : other.config.mounts) {
        if ((mount.type != "bind" && mount.type != "volume") || is_taken(config, mount.destination)) continue;
        if (read_only && mount.read_write) {
            std::erase(mount.options, "rw");
            mount.options.emplace_back("ro");
            mount.read_write = false;
        }
        config.mounts.push_back(std::move(mount));
    }
}

/// --image-volume: what becomes of the image's VOLUMEs that nothing else covers.
void add_image_volumes(const CreateInput& in, ContainerConfig& config) {
    const std::string& how = in.options.image_volume;
    if (!how.empty() && how != "anonymous" && how != "bind" && how != "tmpfs" && how != "ignore")
        throw UsageError("invalid --image-volume '{}': it is anonymous, tmpfs or ignore", printable(how));
    for (const auto& [path, empty] : in.image.config.config.volumes) {
        AskedMount asked;
        asked.mount.destination = check_destination(path, "VOLUME " + path);
        if (how == "ignore" || is_taken(config, asked.mount.destination)) continue;
        if (how == "tmpfs") {
            asked.mount = new_tmpfs(asked.mount.destination);
            asked.mount.options = {"nosuid", "nodev", "tmpcopyup"};
        } else {
            asked.mount.type = "volume";
            complete_bind(asked.mount);
        }
        asked.mount.from_image = true;
        add(in, config, std::move(asked));
    }
}

/// An editor writes a new file and renames it: whoever has the old one mounted keeps that (SEEDS A025).
void hint_at_single_file(const CreateInput& in, const MountConfig& mount) {
    struct stat facts {};
    const bool follows = contains_word(mount.options, "kist.follow");
    const bool is_file = ::stat(mount.source.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
    if (follows && !is_file)
        throw UsageError("mounting '{}': follow is for a single file, and that is none", mount.source);
    if (follows || !is_file || !mount.create_source || !mount.read_write) return;
    in.warn("'" + mount.source +
            "' is mounted alone: an editor that replaces it leaves the container with the old file; mount its folder, "
            "or say :follow or :ro");
}

void check_source(const CreateInput& in, const MountConfig& mount) {
    if (mount.type != "bind") return;
    if (access(mount.source.c_str(), F_OK) == 0) return hint_at_single_file(in, mount);
    if (errno != ENOENT || !mount.create_source) throw SysError("mounting '{}'", mount.source);
    if (contains_word(mount.options, "kist.follow"))
        throw UsageError("mounting '{}': the file to follow does not exist", mount.source);
    Dir::create(mount.source, 0755); // as docker does: an empty folder
}

void add_read_only_tmpfs(ContainerConfig& config) {
    for (const char* path : {"/run", "/tmp", "/var/tmp"}) {
        if (is_taken(config, path)) continue;
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

void interpret_storage(const CreateInput& in, ContainerConfig& config, const std::string& driver) {
    config.root_size = parse_container_size(in.options.storage_opts);
    if (driver != "overlay") {
        if (config.root_size != 0) throw UsageError("--storage-opt size: the driver {} cannot limit it", driver);
        return;
    }
    const StorageOptions host = parse_storage_options(in.host.storage_opts, driver);
    if (config.root_size == 0) config.root_size = host.size;
    const bool is_own = config.rootfs.empty() || config.rootfs_overlay;
    if (config.root_size != 0 && !config.rootfs.empty())
        throw UsageError("--storage-opt size: not with --rootfs, which is a folder of the host");
    if (config.root_size != 0) config.root_project = storage::new_project();
    if (!is_own) return;
    config.overlay_options = overlay_options(host);
}

void interpret_mounts(const CreateInput& in, ContainerConfig& config) {
    if (!in.options.volume_driver.empty()) check_volume_driver(in.options.volume_driver);
    config.volume_driver = in.options.volume_driver;
    for (const std::string& text : in.options.volumes) add(in, config, parse_volume_option(text));
    for (const std::string& text : in.options.mounts) add(in, config, parse_mount_option(text));
    for (const std::string& text : in.options.tmpfs) add(in, config, parse_tmpfs_option(text));
    for (const std::string& text : in.options.volumes_from) add_from(in, config, text);
    add_image_volumes(in, config);
    config.volumes_from = in.options.volumes_from;
    config.read_only = in.options.read_only;
    config.read_only_tmpfs = in.options.read_only_tmpfs.value_or(true);
    if (config.read_only && config.read_only_tmpfs) add_read_only_tmpfs(config);
    std::string shm = in.options.shm_size.empty() ? in.host.default_shm_size : in.options.shm_size;
    auto bytes = parse_bytes(shm);
    if (!bytes || *bytes <= 0)
        throw UsageError("invalid --shm-size '{}': SHM size must be greater than 0", printable(shm));
    config.shm_size = *bytes;
    for (const MountConfig& mount : config.mounts) check_source(in, mount);
}

} // namespace kist::engine
