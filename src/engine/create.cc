// SPDX-License-Identifier: Apache-2.0
// create: from options to a durable record. Everything that can fail for the user's mistake is checked before the name is
// claimed; a kill at any line leaves nothing that blocks the same call.
#include <fcntl.h>
#include <unistd.h>

#include "base/file.hh"
#include "base/rollback.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/containers.hh"
#include "engine/create_parts.hh"
#include "engine/host_facts.hh"
#include "engine/id_ranges.hh"
#include "engine/image_use_cases.hh"
#include "engine/mount_facts.hh"
#include "engine/mount_text.hh"
#include "engine/networks.hh"
#include "engine/random_name.hh"
#include "engine/repair.hh"
#include "engine/tell.hh"
#include "engine/volumes.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;

void check_platform(const CreateOptions& options, const storage::ImageRecord& image) {
    if (!options.any() || fits_platform(image.config, wanted_platform(options))) return;
    const oci::Platform wanted = wanted_platform(options);
    throw Error("image '{}' is for platform {}, not {}", options.image, printable(platform_of(image.config).str()),
                wanted.str());
}

/// FOLDER or FOLDER:O.
void read_rootfs(const std::string& text, ContainerConfig& config) {
    config.rootfs_overlay = text.ends_with(":O");
    const std::string path = absolute_source(config.rootfs_overlay ? text.substr(0, text.size() - 2) : text);
    if (!Dir::open_if_exists(path)) throw Error("opening root file system '{}': it does not exist", path);
    if (path == "/") throw UsageError("the host's own root can't be a container's");
    config.rootfs = path;
}

ContainerConfig interpret(Engine& engine, const CreateOptions& options, const storage::ImageRecord& image,
                          const std::function<void(const std::string&)>& warn,
                          std::vector<storage::VolumeRecord>& new_volumes) {
    ContainerConfig config;
    config.id = engine.containers().new_id().str();
    config.created = Moment::now().ns;
    config.image_id = image.id;
    if (options.rootfs) read_rootfs(options.image, config);
    else config.image_name = options.image;
    config.layer = image.top_layer;
    config.create_command = options.argv;
    config.cidfile = options.cidfile;
    auto find_container = [&](const std::string& reference) {
        ContainerId id = engine.containers().find(reference);
        if (auto view = engine.containers().view(id)) return std::move(*view);
        throw NotFound("No such container: {}", printable(reference));
    };
    auto find = [&](const std::string& reference) { return find_network(engine, reference); };
    auto find_image = [&](const std::string& reference) { return engine.images().get(reference); };
    CreateInput in{options, engine.config(), image, warn, find_container, find_image, new_volumes, find};
    interpret_process(in, config);
    interpret_supervision(in, config);
    interpret_labels(in, config);
    interpret_namespaces(in, config);
    interpret_networks(in, config);
    interpret_ports(in, config);
    interpret_names(in, config);
    interpret_mounts(in, config);
    interpret_storage(in, config, engine.store().driver());
    interpret_devices(in, config);
    interpret_security(in, config);
    interpret_resources(in, config);
    interpret_limits(in, config);
    interpret_hooks(in, config);
    // Last: what it takes would have to be given back when another option is wrong.
    interpret_user_namespace(in, config, [&](std::uint32_t size) { return take_ids(engine, config.id, size); });
    return config;
}

/// --cidfile is made before the record, so that a full disk or a second create with that file is found first.
class CidFile {
public:
    explicit CidFile(const std::string& path) : path_(path) {
        if (path_.empty()) return;
        fd_.reset(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
        if (!fd_ && errno == EEXIST)
            throw Error("container ID file found, make sure the other container isn't running or delete {}", path_);
        if (!fd_) throw SysError("creating container ID file '{}'", path_);
    }
    CidFile(const CidFile&) = delete;
    CidFile& operator=(const CidFile&) = delete;
    ~CidFile() {
        if (fd_ && !written_) unlink(path_.c_str());
    }
    void write(const std::string& id) {
        if (!fd_) return;
        write_full(fd_, id, path_);
        written_ = true;
    }

private:
    std::string path_;
    Fd fd_;
    bool written_ = false;
};

void replace_existing(Engine& engine, const CreateOptions& options) {
    if (!options.replace) return;
    if (options.name.empty()) throw UsageError("--replace needs --name");
    if (auto existing = engine.containers().find_if_exists("name:" + options.name))
        remove(engine, *existing, {.force = true, .volumes = true, .timeout = {}});
}

storage::ContainerLock claim(Engine& engine, ContainerConfig& config, const std::string& asked_name) {
    if (!asked_name.empty()) {
        config.name = asked_name;
        return engine.containers().create(config);
    }
    for (int attempt = 0;; ++attempt) {
        config.name = random_name(attempt);
        try {
            return engine.containers().create(config);
        } catch (const storage::NameInUse&) {
            if (attempt > 100) throw;
        }
    }
}

} // namespace

namespace {

ContainerId create_record(Engine& engine, const CreateOptions& options,
                          const std::function<void(const std::string&)>& warn) {
    if (options.image.empty()) throw UsageError("needs the name of an image");
    storage::ImageRecord image;
    if (!options.rootfs) image = resolve_image(engine, options.image, parse_pull_policy(options.pull), options);
    if (!options.rootfs) check_platform(options, image);
    std::vector<storage::VolumeRecord> new_volumes;
    ContainerConfig config = interpret(engine, options, image, warn, new_volumes);
    Rollback ids;
    ids.add([&] { give_back_ids(engine, config.uid_map, config.id); });
    check_plan(engine, config);
    CidFile cidfile(options.cidfile);
    sweep_some(engine);
    replace_existing(engine, options);
    ContainerId id = ContainerId::parse(config.id).value();
    storage::ContainerLock lock = claim(engine, config, options.name);
    std::vector<std::string> made;
    Rollback undo;
    undo.add([&] { drop_volumes(engine, made); }); // when no record names them any more
    undo.add([&] { engine.containers().remove(id); });
    made = ensure_volumes(engine, new_volumes);
    // The copy that vfs needs may fail, and takes long: now, not at start. An overlay is only folders.
    if (engine.store().driver() == "vfs" || config.root_size != 0)
        plan_container_root(engine, config, engine.containers().data_dir(id));
    cidfile.write(config.id);
    undo.commit();
    ids.commit();
    tell(engine, config, "create");
    return id;
}

} // namespace

ContainerId create(Engine& engine, const CreateOptions& options, const std::function<void(const std::string&)>& warn) {
    try {
        return create_record(engine, options, warn);
    } catch (Error& error) {
        // 1 is the container's to give: a missing image or container to join is our failure here.
        if (error.exit_code() == ExitCode::failure) error.with_exit_code(ExitCode::engine);
        throw;
    }
}

} // namespace kist::engine
