// SPDX-License-Identifier: Apache-2.0
// Comparing containers and images with what they came from.
#include "engine/changes.hh"

#include <set>

#include <fcntl.h>

#include "base/in_root.hh"
#include "engine/container_root.hh"
#include "engine/tell.hh"
#include "storage/layers.hh"
#include "storage/tree_copy.hh"
#include "storage/tree_tar.hh"
#include "storage/work_folder.hh"

namespace kist::engine {

namespace {

using storage::Change;
using storage::ContainerConfig;

/// Made by us at every start, so none of them is the container's doing.
std::set<std::string> mount_points(const ContainerConfig& config) {
    std::set<std::string> points = {"/dev",          "/dev/console",   "/dev/mqueue",   "/dev/pts",         "/dev/shm",
                                    "/etc/hostname", "/etc/hosts",     "/proc",         "/etc/resolv.conf", "/run",
                                    "/sys",          "/sys/fs/cgroup", "/run/kist-init"};
    for (const storage::MountConfig& mount : config.mounts) points.insert(clean_path(mount.destination));
    return points;
}

Dir open_tree(const Fd& root) {
    Dir dir(Fd{::openat(root.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)}, "/");
    if (!dir) throw SysError("opening the files");
    return dir;
}

/// All layers together in a folder of their own: for the vfs driver, which mounts nothing.
class CopiedLayers {
public:
    CopiedLayers(Engine& engine, const std::vector<std::string>& chain)
        : work_(engine.store()), root_(work_.dir().create_dir("root", 0755)) {
        const storage::LayerStore layers(engine.store());
        for (const std::string& layer : chain) storage::apply_layer(layers.folder(layer).open_dir("diff"), root_);
    }
    const Dir& root() const { return root_; }

private:
    storage::WorkFolder work_;
    Dir root_;
};

std::vector<std::string> chain_of(Engine& engine, const std::string& top) {
    if (top.empty()) return {};
    std::vector<std::string> chain = engine.images().layer(top).ancestors;
    chain.push_back(top);
    return chain;
}

Dir layers_root(Engine& engine, const std::string& top) {
    const Fd mounted = mount_layers(engine, top);
    return mounted ? open_tree(mounted) : Dir();
}

std::vector<Change> compare_whole(Engine& engine, const ContainerConfig& config, const Fd& now) {
    const auto points = mount_points(config);
    if (engine.store().driver() == "vfs" || config.layer.empty()) {
        const CopiedLayers before(engine, chain_of(engine, config.layer));
        return storage::compare_trees(before.root(), open_tree(now), points);
    }
    return storage::compare_trees(layers_root(engine, config.layer), open_tree(now), points);
}

storage::ContainerView whole_view(Engine& engine, const ContainerId& id) {
    auto view = engine.containers().view(id);
    if (!view) throw NotFound("No such container: {}", id.str());
    if (!view->damage.empty()) throw Error("container '{}': {}", view->config.name, view->damage);
    return std::move(*view);
}

std::vector<Change> compare_images(Engine& engine, const std::string& top, const std::string& base) {
    const auto root_of = [&](const std::string& layer) { return layers_root(engine, layer); };
    const Dir before = root_of(base), after = root_of(top);
    if (!before || !after) throw Error("an image without layers cannot be compared with another one");
    return storage::compare_trees(before, after, {});
}

/// A container's name wins, as everywhere.
std::string top_layer_of(Engine& engine, const std::string& name) {
    if (const auto id = engine.containers().find_if_exists(name)) return whole_view(engine, *id).config.layer;
    return engine.images().get(name).top_layer;
}

} // namespace

ContainerChanges changes_of_container(Engine& engine, const ContainerId& id) {
    const ContainerConfig config = whole_view(engine, id).config;
    ContainerChanges found;
    if (engine.store().driver() != "vfs") {
        const auto upper = engine.containers().data_dir(id).open_dir_if_exists("upper");
        if (!upper) return found; // never started
        try {
            const Fd below = config.layer.empty() ? Fd() : mount_layers(engine, config.layer);
            found.list = storage::find_changes(*upper, below, mount_points(config));
            found.tree = upper->fd().duplicate();
            return found;
        } catch (const storage::NotSelfContained&) { // then by comparing everything
        }
    }
    const ContainerRoot now(engine, id, ContainerRoot::Show::bare, ContainerRoot::Access::read);
    found.list = compare_whole(engine, config, now.fd());
    found.tree = now.fd().duplicate();
    return found;
}

std::vector<Change> changes_of_image(Engine& engine, const storage::ImageRecord& image) {
    if (image.chain_ids.empty()) return {};
    const storage::LayerStore layers(engine.store());
    const Dir own = layers.folder(image.top_layer).open_dir("diff");
    const Fd below =
        image.chain_ids.size() == 1 ? Fd() : mount_layers(engine, image.chain_ids[image.chain_ids.size() - 2]);
    return storage::find_changes(own, below, {});
}

std::vector<Change> diff(Engine& engine, const std::string& name, const std::string& other) {
    const auto id = engine.containers().find_if_exists(name);
    if (!id) return diff_images(engine, name, other);
    if (other.empty()) return changes_of_container(engine, *id).list;
    const ContainerRoot now(engine, *id, ContainerRoot::Show::bare, ContainerRoot::Access::read);
    if (const auto second = engine.containers().find_if_exists(other)) {
        const ContainerRoot before(engine, *second, ContainerRoot::Show::bare, ContainerRoot::Access::read);
        return storage::compare_trees(open_tree(before.fd()), open_tree(now.fd()), mount_points(now.config()));
    }
    return storage::compare_trees(layers_root(engine, top_layer_of(engine, other)), open_tree(now.fd()),
                                  mount_points(now.config()));
}

std::vector<Change> diff_images(Engine& engine, const std::string& name, const std::string& other) {
    const storage::ImageRecord image = engine.images().get(name);
    if (other.empty()) return changes_of_image(engine, image);
    return compare_images(engine, image.top_layer, top_layer_of(engine, other));
}

void write_files(Engine& engine, const ContainerId& id, const Fd& out,
                 const std::function<void(const std::string&)>& warn) {
    const ContainerRoot root(engine, id, ContainerRoot::Show::bare, ContainerRoot::Access::read);
    storage::TreeTar tar(out, warn);
    tar.add_contents(open_tree(root.fd()), "");
    tar.finish();
}

void export_container(Engine& engine, const ContainerId& id, const Fd& out,
                      const std::function<void(const std::string&)>& warn) {
    write_files(engine, id, out, warn);
    tell(engine, whole_view(engine, id).config, "export");
}

} // namespace kist::engine
