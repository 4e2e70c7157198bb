// SPDX-License-Identifier: Apache-2.0
// rmi and image prune: which names go, whether the image may go, and what keeps it (SEEDS A175, A176).
#include <algorithm>

#include "base/text.hh"
#include "engine/image_filter.hh"
#include "engine/image_use_cases.hh"
#include "storage/manifest_list.hh"
#include "storage/partial_blob.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::ImageRecord;
using storage::Reference;
using storage::Status;

bool is_in_use(const ContainerView& view) { return is_up(view.state.status); }

struct Users {
    std::vector<ContainerView> of_image;
    std::vector<std::string> layers; ///< top layers of all containers
};

Users find_users(Engine& engine, const std::string& image_id) {
    Users users;
    for (ContainerView& view : engine.containers().all()) {
        if (!view.config.layer.empty()) users.layers.push_back(view.config.layer);
        for (const storage::MountConfig& mount : view.config.mounts)
            if (!mount.layer.empty()) users.layers.push_back(mount.layer);
        if (view.config.image_id == image_id) users.of_image.push_back(std::move(view));
    }
    return users;
}

std::string short_id(const std::string& id) { return id.starts_with("sha256:") ? id.substr(7, 12) : id.substr(0, 12); }

template <typename... Args>
Error conflict(fmt::format_string<Args...> format, Args&&... args) {
    Error error("conflict: {}", fmt::format(format, std::forward<Args>(args)...));
    error.with_exit_code(ExitCode::failure);
    return error;
}

void check_unused(const ImageRecord& image, const Users& users, bool force) {
    for (const ContainerView& view : users.of_image) {
        const std::string container = short_id(view.config.id);
        if (is_in_use(view))
            throw conflict("unable to delete {} (cannot be forced) - image is being used by running container {}",
                           short_id(image.id), container);
        if (!force)
            throw conflict("unable to delete {} (must be forced) - image is being used by stopped container {}",
                           short_id(image.id), container);
    }
}

/// As Podman: a list keeps no image. But who pushes the list later should not be the first to hear of it.
void warn_of_lists(Engine& engine, const ImageRecord& image, const ImageRemoveOptions& options) {
    if (!options.warn || image.is_list()) return;
    const auto named = storage::ManifestLists(engine.store()).named_images();
    const auto lists = named.find(image.id);
    if (lists == named.end()) return;
    for (const std::string& list : lists->second) {
        const auto names = engine.images().names_of(*Digest::parse(list));
        const std::string called = names.empty() ? short_id(list) : names.front().familiar();
        options.warn(
            fmt::format("manifest list '{}' names image {}, which is gone now: the list cannot be pushed before "
                        "'kist manifest remove {} {}', or the image is here again",
                        called, short_id(image.id), called, image.manifest_digest));
    }
}

std::vector<std::string> delete_image(Engine& engine, const ImageRecord& image, const Users& users,
                                      const ImageRemoveOptions& options) {
    warn_of_lists(engine, image, options);
    std::vector<std::string> lines;
    for (const std::string& id : engine.images().remove(*Digest::parse(image.id), users.layers))
        lines.push_back("Deleted: " + id);
    return lines;
}

/// By a name: only that name goes as long as there are others.
std::vector<std::string> remove_name(Engine& engine, const ImageRecord& image, const Reference& name,
                                     const std::string& asked, const ImageRemoveOptions& options) {
    const Users users = find_users(engine, image.id);
    const bool last = engine.images().names_of(*Digest::parse(image.id)).size() == 1;
    if (last && !options.force && !users.of_image.empty())
        throw conflict(
            "unable to remove repository reference \"{}\" (must force) - container {} is using its referenced image {}",
            asked, short_id(users.of_image.front().config.id), short_id(image.id));
    std::vector<std::string> lines = {"Untagged: " + name.familiar()};
    if (!last || std::any_of(users.of_image.begin(), users.of_image.end(), is_in_use)) {
        engine.images().untag(name);
        return lines;
    }
    const auto deleted = delete_image(engine, image, users, options);
    lines.insert(lines.end(), deleted.begin(), deleted.end());
    return lines;
}

std::vector<std::string> remove_by_id(Engine& engine, const ImageRecord& image, const ImageRemoveOptions& options) {
    const auto names = engine.images().names_of(*Digest::parse(image.id));
    std::vector<std::string> repositories;
    for (const Reference& name : names)
        if (std::find(repositories.begin(), repositories.end(), name.familiar_name()) == repositories.end())
            repositories.push_back(name.familiar_name());
    if (repositories.size() > 1 && !options.force)
        throw conflict("unable to delete {} (must be forced) - image is referenced in multiple repositories",
                       short_id(image.id));
    const Users users = find_users(engine, image.id);
    check_unused(image, users, options.force);
    std::vector<std::string> lines;
    for (const Reference& name : names) lines.push_back("Untagged: " + name.familiar());
    const auto deleted = delete_image(engine, image, users, options);
    lines.insert(lines.end(), deleted.begin(), deleted.end());
    return lines;
}

} // namespace

std::vector<std::string> remove_image(Engine& engine, const std::string& reference, const ImageRemoveOptions& options) {
    // From before we look who uses it: a create that resolves the image now finds it gone, or we find its container.
    const FileLock lock = engine.images().lock();
    const auto image = engine.images().find(reference);
    if (!image && options.ignore) return {};
    if (!image) throw NotFound("No such image: {}", printable(reference));
    if (const auto name = Reference::try_parse(reference)) {
        const auto names = engine.images().names_of(*Digest::parse(image->id));
        if (std::find(names.begin(), names.end(), *name) != names.end())
            return remove_name(engine, *image, *name, reference, options);
    }
    return remove_by_id(engine, *image, options);
}

PruneResult prune_images(Engine& engine, bool all, const std::vector<std::string>& filters) {
    const ImageFilter filter = ImageFilter::parse(engine, filters);
    const FileLock lock = engine.images().lock();
    const auto in_lists = storage::ManifestLists(engine.store()).named_images();
    PruneResult result;
    for (const ImageRecord& image : engine.images().all()) {
        const auto names = engine.images().names_of(*Digest::parse(image.id));
        if ((!all && (!names.empty() || in_lists.contains(image.id))) || !filter.matches({image, names})) continue;
        const Users users = find_users(engine, image.id);
        if (!users.of_image.empty()) continue;
        for (const Reference& name : names) result.lines.push_back("untagged: " + name.familiar());
        for (const std::string& id : engine.images().remove(*Digest::parse(image.id), users.layers))
            result.lines.push_back("deleted: " + id);
        result.reclaimed += image.size;
    }
    if (filters.empty()) result.reclaimed += storage::sweep_partial_blobs(engine.store(), true);
    return result;
}

} // namespace kist::engine
