// SPDX-License-Identifier: Apache-2.0
// commit. The changed files are written as a tar that kist-unpack makes a layer of, as it does with every other tar: so the
// layer has what save and push need to give back the same bytes.
#include "engine/commit.hh"

#include <csignal>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include <fcntl.h>

#include "base/in_root.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/ask_monitor.hh"
#include "engine/changes.hh"
#include "engine/container_root.hh"
#include "engine/containers.hh"
#include "engine/image_use_cases.hh"
#include "engine/tell.hh"
#include "storage/image_writer.hh"
#include "storage/layers.hh"
#include "storage/tree_tar.hh"
#include "storage/unpack_client.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using storage::HeldLayer;
using storage::LayerReply;

constexpr std::size_t config_limit = 4u << 20;

/// The container stands still while this lives; one that was paused before stays so. Its monitor ends it with our connection, so
/// nothing is left to undo for a command that is killed.
class Held {
public:
    Held(Engine& engine, const ContainerId& id, bool wanted) : engine_(engine), id_(id) {
        if (!wanted) return;
        ask_monitor(engine, id, [&](monitor::ControlClient& client, const storage::ContainerView& view) {
            const auto status = view.state.status;
            if (status != storage::Status::running && status != storage::Status::paused) return;
            client.hold();
            client_ = std::move(client);
        });
    }
    /// Throws Error when it cannot be told that it stood still until now. One that has ended meanwhile did.
    void end() {
        if (!client_) return;
        try {
            std::exchange(client_, std::nullopt)->let_go();
        } catch (const monitor::MonitorLost&) {
            // Whoever takes it over, as this does, thaws it.
            if (is_up(settled_view(engine_, id_).state.status))
                throw Error("its monitor was killed while it was to stand still").with_hint("try again");
        }
    }

private:
    Engine& engine_;
    const ContainerId id_;
    std::optional<monitor::ControlClient> client_;
};

/// Lets `write` write into one end of a pipe on a thread of its own while `use` has the other. When both fail, the reason is
/// that of the reader: the writer only saw the pipe close.
LayerReply through_pipe(const std::function<void(const Fd&)>& write, const std::function<LayerReply(const Fd&)>& use) {
    Pipe pipe = make_pipe();
    ::fcntl(pipe.write.get(), F_SETPIPE_SZ, 1 << 20); // more at a time if we may
    std::exception_ptr failure;
    std::thread writer([&] {
        sigset_t broken_pipe;
        ::sigemptyset(&broken_pipe);
        ::sigaddset(&broken_pipe, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
        try {
            write(pipe.write);
        } catch (...) {
            failure = std::current_exception();
        }
        pipe.write.reset();
    });
    LayerReply reply;
    std::exception_ptr reader_failure;
    try {
        reply = use(pipe.read);
    } catch (...) {
        reader_failure = std::current_exception();
    }
    pipe.read.reset();
    writer.join();
    const bool writer_broke = failure && !reader_failure;
    if (writer_broke) std::rethrow_exception(failure);
    if (reader_failure) std::rethrow_exception(reader_failure);
    return reply;
}

void write_changes(const Fd& out, const ContainerChanges& changes, const CommitOptions& options) {
    storage::TreeTar tar(out, options.warn);
    for (const storage::Change& change : changes.list) {
        const std::string path = change.path.substr(1);
        if (change.kind == storage::ChangeKind::deleted) {
            tar.add_whiteout(path);
        } else if (const auto item = open_in_root_if_exists(changes.tree, path, O_PATH | O_NOFOLLOW)) {
            tar.add_alone(*item, path);
        }
    }
    tar.finish();
}

HeldLayer make_layer(Engine& engine, const ContainerId& id, const ContainerConfig& config,
                     const storage::WorkFolder& work, const CommitOptions& options) {
    const storage::LayerStore layers(engine.store());
    std::vector<std::string> below;
    if (!config.layer.empty() && !options.squash) {
        below = engine.images().layer(config.layer).ancestors;
        below.push_back(config.layer);
    }
    Held held(engine, id, options.pause);
    const ContainerChanges changes = options.squash ? ContainerChanges() : changes_of_container(engine, id);
    const auto write = [&](const Fd& out) {
        if (options.squash) return write_files(engine, id, out, options.warn);
        write_changes(out, changes, options);
    };
    return layers.make_new(work, below, [&](const Dir& folder) {
        LayerReply reply = through_pipe(write, [&](const Fd& in) { return storage::unpack_layer(in, folder, {}); });
        held.end(); // what follows reads nothing of the container
        return reply;
    });
}

/// The layers below the new one, held: they are the container's, so nobody removes them, but that is not ours to rely on.
std::vector<HeldLayer> hold_below(Engine& engine, const storage::WorkFolder& work, const std::string& top) {
    std::vector<HeldLayer> held;
    if (top.empty()) return held;
    const storage::LayerStore layers(engine.store());
    std::vector<std::string> chain = engine.images().layer(top).ancestors, below;
    chain.push_back(top);
    for (const std::string& layer : chain) {
        const auto gone = [&](const Dir&) -> LayerReply { throw Error("layer '{}' is gone", layer); };
        held.push_back(layers.get_or_make(work, below, engine.images().layer(layer).diff_id, gone));
        below.push_back(layer);
    }
    return held;
}

oci::ContainerDefaults defaults_of(const ContainerConfig& config, oci::ContainerDefaults defaults,
                                   const CommitOptions& options) {
    defaults.user = config.user;
    defaults.env = config.env;
    defaults.entrypoint = config.entrypoint;
    defaults.cmd = config.command;
    defaults.working_dir = config.working_dir;
    defaults.labels = config.labels;
    defaults.exposed_ports.clear();
    for (const std::string& port : config.exposed_ports) defaults.exposed_ports[port];
    if (config.stop_signal != "SIGTERM") defaults.stop_signal = config.stop_signal;
    if (options.include_volumes)
        for (const storage::MountConfig& mount : config.mounts) defaults.volumes[mount.destination];
    if (!options.config_file.empty()) {
        const std::string text = read_file(options.config_file, config_limit);
        read_value(json::parse(text, options.config_file), defaults, Place(options.config_file));
    }
    return apply_changes(options.changes, std::move(defaults));
}

/// The configuration of the image that the container was made from, or of none if it is gone.
oci::ImageConfig base_config(Engine& engine, const ContainerConfig& config) {
    oci::ImageConfig base;
    if (const auto image = engine.images().find(config.image_id)) base = image->config;
    const oci::Platform host = storage::host_platform();
    if (base.os.empty()) base.os = host.os;
    if (base.architecture.empty()) {
        base.architecture = host.architecture;
        base.variant = host.variant;
    }
    return base;
}

oci::ImageConfig make_config(Engine& engine, const ContainerConfig& config, const std::vector<HeldLayer>& layers,
                             const CommitOptions& options) {
    oci::ImageConfig made = base_config(engine, config);
    made.created = to_rfc3339(Moment::now());
    made.author = options.author;
    made.config = defaults_of(config, made.config, options);
    made.rootfs.diff_ids.clear();
    for (const HeldLayer& layer : layers) made.rootfs.diff_ids.push_back(layer.record.diff_id);
    if (options.squash) made.history.clear();
    oci::History step;
    step.created = made.created;
    step.created_by = join(config.command.empty() ? config.entrypoint : config.command, " ");
    step.author = options.author;
    step.comment = options.message;
    made.history.push_back(step);
    return made;
}

} // namespace

Digest commit(Engine& engine, const ContainerId& id, const std::optional<storage::Reference>& name,
              const CommitOptions& options) {
    const auto view = engine.containers().view(id);
    if (!view) throw NotFound("No such container: {}", id.str());
    if (!view->damage.empty()) throw Error("container '{}': {}", view->config.name, view->damage);
    const ContainerConfig& config = view->config;
    try {
        defaults_of(config, {}, options); // a mistake in --change is found before anything is done
        const storage::WorkFolder work(engine.store());
        std::vector<HeldLayer> layers;
        if (!options.squash) layers = hold_below(engine, work, config.layer);
        layers.push_back(make_layer(engine, id, config, work, options));
        storage::NewImage image;
        image.config = make_config(engine, config, layers, options);
        image.config_text = json::dump(to_value(image.config));
        if (options.format == CommitOptions::Format::docker) {
            image.manifest_type = oci::media_type::docker_manifest;
            image.manifest_text = storage::docker_manifest(image.config_text, storage::plain_blobs(layers));
        }
        const Digest made = storage::store_image(engine.store(), image, layers,
                                                 name ? std::vector{*name} : std::vector<storage::Reference>{});
        tell(engine, config, "commit", {{"imageID", made.str()}});
        return made;
    } catch (const UsageError&) {
        throw;
    } catch (Error& error) {
        error.while_doing("committing container '{}'", config.name);
        throw;
    }
}

} // namespace kist::engine
