// SPDX-License-Identifier: Apache-2.0
// Images: layers against their digests, records and blobs, names. What is listed is whole: an image that cannot be put right is
// taken off the list, so that the next pull or load brings it anew.
#include <algorithm>

#include <sys/stat.h>

#include "base/error.hh"
#include "base/sha256.hh"
#include "base/time.hh"
#include "storage/check.hh"
#include "storage/image_names.hh"
#include "storage/new_content.hh"
#include "storage/record.hh"
#include "storage/unpack_client.hh"

namespace kist::storage {

namespace {

constexpr const char* again = "pull or load the image again";
constexpr std::string_view record_suffix = ".json";

std::optional<Dir> find_content_folder(const Store& store) {
    const auto content = store.data().open_dir_if_exists("content");
    return content ? content->open_dir_if_exists("sha256") : std::nullopt;
}

} // namespace

/// Its images' layers, with all that is below them.
std::set<std::string> StoreCheck::layers_of(const ContainerConfig& config) const {
    std::set<std::string> found;
    std::vector<std::string> tops = {config.layer};
    for (const MountConfig& mount : config.mounts) tops.push_back(mount.layer);
    for (const std::string& top : tops) {
        if (top.empty()) continue;
        found.insert(top);
        try {
            if (const auto record = layers_.read(top)) found.insert(record->ancestors.begin(), record->ancestors.end());
        } catch (const Error&) { // told when layers are checked
        }
    }
    return found;
}

/// Empty when it is whole.
std::string StoreCheck::fault_of_layer(const std::string& chain) const {
    try {
        const auto record = layers_.read(chain);
        if (!record) return "";
        const std::string parent = record->ancestors.empty() ? "" : record->ancestors.back();
        if (record->chain_id != chain || chain_id(parent, record->diff_id) != chain)
            return "its record is another layer's";
        for (const std::string& ancestor : record->ancestors)
            if (!layers_.exists(ancestor)) return "layer " + ancestor + " below it is missing";
        if (options_.quick) return "";
        const Fd nowhere = open_null();
        assemble_tar(layers_.folder(chain), nowhere, {record->diff_id, record->tar_size});
    } catch (const NotFound&) { // removed meanwhile
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

std::vector<ContainerId> StoreCheck::hopeless() const {
    std::vector<ContainerId> found;
    for (const ContainerView& view : containers_.all()) {
        const std::set<std::string> needed = layers_of(view.config);
        const bool is_broken = std::any_of(needed.begin(), needed.end(), [&](const std::string& layer) {
            return broken_layers_.contains(layer) || !layers_.exists(layer);
        });
        const auto id = ContainerId::parse(view.config.id);
        if (id && (is_broken || !view.damage.empty())) found.push_back(*id);
    }
    return found;
}

/// A container may have come since we looked.
void StoreCheck::remove_layer(const std::string& chain) {
    for (const ContainerView& view : containers_.all())
        for (const std::string& layer : layers_of(view.config))
            if (layer == chain) throw Error("container '{}' uses it by now", view.config.name);
    const WorkFolder work(store_);
    if (!layers_.remove(chain, work)) throw Error("somebody uses it");
}

void StoreCheck::check_layer(const std::string& chain) {
    const std::string fault = fault_of_layer(chain);
    if (fault.empty()) return;
    broken_layers_.insert(chain);
    Problem problem{"layer", chain, fault, again, false, false};
    if (!used_layers_.contains(chain))
        return note(std::move(problem), [&] {
            const FileLock lock = images_.lock();
            remove_layer(chain);
        });
    problem.advice = "a container uses it: remove the container, then repair again, then pull or load the image";
    note(std::move(problem));
}

void StoreCheck::check_layers() {
    for (const std::string& chain : layers_.all()) {
        ++counts_["layers"];
        check_layer(chain);
    }
}

/// A blob of an artifact. Throws.
void StoreCheck::check_blob(const std::string& digest) const {
    const Fd file = open_content(store_, digest);
    if (options_.quick) return;
    Sha256 hash;
    std::string piece(256u << 10, '\0');
    while (const std::size_t count = read_full(file, piece, digest)) hash.update({piece.data(), count});
    if (hash.finish().str() != digest) throw Error("the blob {} is damaged: it has another digest", digest);
}

std::string StoreCheck::fault_of_image(const ImageRecord& image) const {
    std::vector<std::string> diffs;
    std::string chain;
    for (const std::string& diff : image.config.rootfs.diff_ids) diffs.push_back(chain = chain_id(chain, diff));
    if (diffs != image.chain_ids || (diffs.empty() ? "" : diffs.back()) != image.top_layer)
        return "its layers are not its configuration's";
    for (const std::string& layer : image.chain_ids) {
        if (broken_layers_.contains(layer)) return "layer " + layer + " is damaged";
        if (!layers_.exists(layer)) return "layer " + layer + " is missing";
    }
    try {
        if (!image.is_list()) images_.raw_config(image);
        images_.raw_manifest(image);
        for (const ListSource& source : image.sources)
            for (const std::string& digest : source.content) check_blob(digest);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

void StoreCheck::remove_image(const Digest& id) {
    for (const Reference& name : images_.names_of(id)) ImageNames(store_).remove(name);
    const Dir folder = store_.data().create_dir("images");
    folder.remove_file(id.hex() + std::string(record_suffix));
    folder.sync();
}

void StoreCheck::check_image(const Digest& id) {
    std::string fault;
    std::optional<ImageRecord> record;
    try {
        record = read_record<ImageRecord>(store_.data().create_dir("images"), id.hex() + std::string(record_suffix));
        if (!record) return;
        fault = record->id == id.str() ? fault_of_image(*record) : "its record is another image's";
    } catch (const Error& error) {
        fault = error.what();
    }
    if (fault.empty()) {
        known_layers_.insert(record->chain_ids.begin(), record->chain_ids.end());
        for (const std::string& digest : record->content()) known_content_.insert(digest.substr(digest.find(':') + 1));
        return;
    }
    const auto names = images_.names_of(id);
    const std::string shown = names.empty() ? id.short_id() : names.front().familiar();
    note({"image", shown, fault, again, false, false}, [&] { remove_image(id); });
}

/// Nothing changes in a layer's folder once it is there.
bool StoreCheck::is_young(const std::string& chain) const {
    if (options_.unused_for.count() == 0) return false;
    struct stat facts {};
    try {
        const Dir folder = layers_.folder(chain);
        if (::fstat(folder.fd().get(), &facts) != 0) throw SysError("looking at layer '{}'", chain);
    } catch (const NotFound&) { // removed meanwhile
        return true;
    }
    const Moment made{facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec};
    return Moment::now().ns - made.ns < options_.unused_for.count();
}

void StoreCheck::check_images() {
    const FileLock lock = images_.lock();
    const Dir folder = store_.data().create_dir("images");
    std::vector<std::string> files = folder.names();
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
        if (!file.ends_with(record_suffix)) continue;
        const auto id = Digest::from_hex(std::string_view(file).substr(0, file.size() - record_suffix.size()));
        if (!id) continue;
        ++counts_["images"];
        check_image(*id);
    }
    // What no image and no container needs, a removal that was interrupted has left.
    for (const std::string& chain : layers_.all()) {
        if (known_layers_.contains(chain) || used_layers_.contains(chain) || broken_layers_.contains(chain)) continue;
        if (layers_.is_held(chain) || is_young(chain)) continue; // a pull or load is at work, or may come back
        note({"layer", chain, "no image and no container uses it", "", false, false}, [&] { remove_layer(chain); });
    }
    check_image_names();
    check_content();
}

void StoreCheck::check_image_names() {
    const Dir folder = store_.data().create_dir("images");
    const Dir names = folder.create_dir("names");
    std::set<std::string> good;
    for (const auto& [name, id] : ImageNames(store_).all()) {
        ++counts_["names"];
        good.insert(name_file(name));
        if (folder.exists(id.hex() + std::string(record_suffix))) continue;
        note({"name", name.familiar(), "its image does not exist", again, false, false},
             [&, name = name] { ImageNames(store_).remove(name); });
    }
    for (const std::string& file : names.names()) {
        if (good.contains(file) || file.starts_with(".")) continue;
        note({"name", file, "it names no image", "", false, false}, [&] { names.remove_tree(file); });
    }
}

/// Manifests and configurations; those of images that are listed have been read with their images.
void StoreCheck::check_content() {
    const auto folder = find_content_folder(store_);
    if (!folder) return;
    for (const std::string& name : folder->names()) {
        if (known_content_.contains(name)) {
            ++counts_["content"];
            continue;
        }
        if (name.starts_with(temp_prefix)) continue;
        note({"content", name, "no image uses it", "", false, false}, [&] { folder->remove_tree(name); });
    }
}

} // namespace kist::storage
