// SPDX-License-Identifier: Apache-2.0
// prepare_root: what the runtime mounts as a container's root. overlay: the layers as they lie here, plus an upper folder of the
// container; vfs: a private copy.
#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "storage/image_store.hh"
#include "storage/layers.hh"
#include "storage/quota.hh"
#include "storage/tree_copy.hh"

namespace kist::storage {
namespace {

/// Chain ids, bottom first.
std::vector<std::string> chain_of(const LayerStore& layers, const std::string& top) {
    if (top.empty()) return {};
    const auto record = layers.read(top);
    if (!record) throw NotFound("no such layer: {}", top);
    std::vector<std::string> chain = record->ancestors;
    chain.push_back(record->chain_id);
    return chain;
}

/// The root folder's own mode and owner are those of the upper folder: they must be the image's.
void make_upper(const Dir& container, const std::string& top_diff) {
    struct stat st;
    if (::stat(top_diff.c_str(), &st) != 0) throw SysError("reading layer '{}'", top_diff);
    container.make_dir("upper", st.st_mode & 07777);
    container.make_dir("work", 0700);
    struct stat made;
    if (::fstatat(container.fd().get(), "upper", &made, AT_SYMLINK_NOFOLLOW) != 0)
        throw SysError("making '{}'", container.path());
    const bool same_owner = made.st_uid == st.st_uid && made.st_gid == st.st_gid;
    if (!same_owner && ::fchownat(container.fd().get(), "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
        throw SysError("making '{}/upper'", container.path());
    if ((made.st_mode & 07777) != (st.st_mode & 07777) || !same_owner)
        if (::fchmodat(container.fd().get(), "upper", st.st_mode & 07777, 0) != 0)
            throw SysError("making '{}/upper'", container.path());
}

oci::RootMount plan_overlay(const LayerStore& layers, const std::vector<std::string>& chain, const Dir& container) {
    oci::RootMount plan;
    plan.kind = oci::RootMount::Kind::overlay;
    for (auto layer = chain.rbegin(); layer != chain.rend(); ++layer) plan.lower.push_back(layers.diff_path(*layer));
    if (plan.lower.empty()) { // an image without layers: overlay wants at least one
        container.make_dir("empty", 0755);
        plan.lower.push_back(container.path_of("empty"));
    }
    make_upper(container, plan.lower.front());
    plan.upper = container.path_of("upper");
    plan.work = container.path_of("work");
    return plan;
}

oci::RootMount plan_copy(const LayerStore& layers, const std::vector<std::string>& chain, const Dir& container) {
    oci::RootMount plan;
    plan.path = container.path_of("rootfs");
    if (container.exists("rootfs")) return plan;
    // Under another name first: a copy that was cut off must not be taken for a root.
    container.remove_tree("rootfs.new");
    const Dir root = container.create_dir("rootfs.new", 0755);
    for (const std::string& layer : chain) apply_layer(layers.folder(layer).open_dir("diff"), root);
    if (::renameat(container.fd().get(), "rootfs.new", container.fd().get(), "rootfs") != 0)
        throw SysError("making '{}'", plan.path);
    return plan;
}

bool has_word(const std::vector<std::string>& options, std::string_view word) {
    return std::find(options.begin(), options.end(), word) != options.end();
}

} // namespace

std::vector<std::string> ImageStore::layer_folders(const std::string& top_layer) const {
    if (store_.driver() != "overlay")
        throw Error("mounting an image needs storage driver overlay, not {}", store_.driver());
    const LayerStore layers(store_);
    std::vector<std::string> folders;
    for (const std::string& layer : chain_of(layers, top_layer))
        folders.insert(folders.begin(), layers.diff_path(layer));
    return folders;
}

oci::RootMount ImageStore::prepare_root(const std::string& top_layer, const Dir& container_data,
                                        const RootOptions& options) const {
    const LayerStore layers(store_);
    const auto chain = chain_of(layers, top_layer);
    if (store_.driver() == "vfs") return plan_copy(layers, chain, container_data);
    oci::RootMount plan = plan_overlay(layers, chain, container_data);
    plan.options = options.overlay;
    // Both of one project: the kernel renames from the one into the other.
    if (options.size != 0)
        for (const char* name : {"upper", "work"})
            limit_folder(container_data.open_dir(name), options.project, {.bytes = options.size});
    if (options.is_volatile && !has_word(plan.options, "volatile")) plan.options.push_back("volatile");
    if (has_word(plan.options, "volatile")) {
        // overlay leaves this mark against an upper layer that lost writes in a crash, and refuses it (EINVAL). A volatile
        // container does not outlive the boot, so one that is started again has lost nothing.
        if (const auto work = container_data.open_dir_if_exists("work"))
            if (const auto inner = work->open_dir_if_exists("work")) inner->remove_tree("incompat");
    }
    return plan;
}

std::optional<oci::RootMount> ImageStore::read_only_root(const std::string& top_layer,
                                                         const std::optional<Dir>& container_data,
                                                         const std::vector<std::string>& overlay_options) const {
    oci::RootMount plan;
    if (container_data && store_.driver() == "vfs") {
        if (!container_data->exists("rootfs")) return std::nullopt;
        plan.path = container_data->path_of("rootfs");
        return plan;
    }
    plan.kind = oci::RootMount::Kind::overlay;
    if (container_data) {
        if (!container_data->exists("upper")) return std::nullopt;
        plan.lower.push_back(container_data->path_of("upper"));
    }
    const LayerStore layers(store_);
    const auto chain = chain_of(layers, top_layer);
    for (auto layer = chain.rbegin(); layer != chain.rend(); ++layer) plan.lower.push_back(layers.diff_path(*layer));
    if (plan.lower.empty()) return std::nullopt;
    // The others are about writing.
    for (const std::string& option : overlay_options)
        if (option == "metacopy=on" || option == "redirect_dir=on") plan.options.push_back(option);
    return plan;
}

} // namespace kist::storage
