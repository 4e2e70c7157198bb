// SPDX-License-Identifier: Apache-2.0
// Making, finding and removing layers.
#include "storage/layers.hh"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"
#include "storage/record.hh"

namespace kist::storage {
namespace {

constexpr const char* layers_folder = "layers";
constexpr const char* layer_record = "layer.json";
/// How long another command may take with the same layer before we say so and give up.
constexpr std::chrono::minutes longest_wait{30};

std::string folder_of(const std::string& chain) {
    const auto digest = Digest::parse(chain);
    if (!digest) throw Error("'{}' is no layer id", printable(chain));
    return digest->hex();
}

/// Several layers are made at once, each by a thread, and FileLock's own wait is by a signal of the whole process: so we look
/// again from time to time.
class Patience {
public:
    void wait(const std::string& path) {
        if (std::chrono::steady_clock::now() - begun_ > longest_wait)
            throw Error("'{}' is locked by another command for too long", path);
        std::this_thread::sleep_for(pause_);
        pause_ = std::min(pause_ * 2, std::chrono::milliseconds(200));
    }

private:
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::chrono::milliseconds pause_{1};
};

/// Others may use the layer from now on. Two pulls that each keep exclusively what they have, and want what the other has, would
/// wait for ever.
void share(const FileLock& held) {
    struct flock whole {};
    whole.l_type = F_RDLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(held.fd().get(), F_OFD_SETLK, &whole) != 0) throw SysError("sharing a layer's lock");
}

} // namespace

bool LayerStore::exists(const std::string& chain) const {
    const auto layers = store_.data().open_dir_if_exists(layers_folder);
    return layers && layers->exists(folder_of(chain));
}

std::optional<LayerRecord> LayerStore::read(const std::string& chain) const {
    const auto layers = store_.data().open_dir_if_exists(layers_folder);
    const auto folder = layers ? layers->open_dir_if_exists(folder_of(chain)) : std::nullopt;
    if (!folder) return std::nullopt;
    auto record = read_record<LayerRecord>(*folder, layer_record);
    if (!record) throw Error("layer '{}' is damaged: '{}' is missing", chain, folder->path_of(layer_record));
    return record;
}

std::vector<std::string> LayerStore::all() const {
    std::vector<std::string> found;
    const auto layers = store_.data().open_dir_if_exists(layers_folder);
    if (!layers) return found;
    for (const std::string& name : layers->names())
        if (const auto digest = Digest::from_hex(name)) found.push_back(digest->str());
    return found;
}

std::string LayerStore::diff_path(const std::string& chain) const {
    return store_.data().path_of(std::string(layers_folder) + "/" + folder_of(chain) + "/diff");
}

Dir LayerStore::folder(const std::string& chain) const {
    const auto layers = store_.data().open_dir_if_exists(layers_folder);
    auto found = layers ? layers->open_dir_if_exists(folder_of(chain)) : std::nullopt;
    if (!found) throw NotFound("no such layer: {}", chain);
    return std::move(*found);
}

/// In the run root: locks need no life beyond a boot, and reading a layer then never writes beside it.
FileLock LayerStore::lock(const std::string& chain, LockMode mode) const {
    return FileLock::acquire(store_.run().create_dir("locks"), "layer-" + folder_of(chain), mode, longest_wait);
}

Dir LayerStore::new_folder(const WorkFolder& work) const {
    Dir folder = work.dir().create_dir(random_hex(8));
    folder.make_dir("diff", 0755);
    return folder;
}

Dir LayerStore::fill(const WorkFolder& work, const Make& make, LayerRecord& record) const {
    Dir folder = new_folder(work);
    record.take(make(folder));
    return folder;
}

void LayerStore::place(const WorkFolder& work, const std::vector<Finished>& layers) const {
    if (layers.empty()) return;
    for (const Finished& layer : layers)
        write_record(*layer.folder, layer_record, *layer.record, Durability::volatile_);
    // One sync of the whole file system: thousands of files, and all must be on disk before the name says so.
    if (::syncfs(layers.front().folder->fd().get()) != 0) throw SysError("syncing the layers");
    const Dir place = store_.data().create_dir(layers_folder);
    for (const Finished& layer : layers) {
        const std::string& path = layer.folder->path();
        const std::string from = path.substr(path.rfind('/') + 1);
        if (::renameat(work.dir().fd().get(), from.c_str(), place.fd().get(),
                       folder_of(layer.record->chain_id).c_str()) != 0)
            throw SysError("storing layer '{}'", layer.record->chain_id);
    }
    place.sync();
}

/// A layer whose record is damaged makes way for the one that is to be made. The caller holds its lock.
std::optional<LayerRecord> LayerStore::read_or_clear(const std::string& chain) const {
    try {
        return read(chain);
    } catch (const Error&) {
        const WorkFolder work(store_);
        const Dir layers = store_.data().open_dir(layers_folder);
        if (::renameat(layers.fd().get(), folder_of(chain).c_str(), work.dir().fd().get(), "damaged") != 0)
            throw SysError("setting damaged layer '{}' aside", chain);
        return std::nullopt;
    }
}

LayerStore::Claim LayerStore::claim(const std::vector<std::string>& ancestors, const std::string& diff_id) const {
    LayerRecord record;
    record.ancestors = ancestors;
    record.chain_id = chain_id(ancestors.empty() ? "" : ancestors.back(), diff_id);
    {
        FileLock shared = lock(record.chain_id, LockMode::shared);
        try {
            if (auto known = read(record.chain_id)) return {{std::move(*known), std::move(shared)}, true};
        } catch (const Error&) { // damaged: it is made anew
        }
    }
    FileLock held = lock(record.chain_id, LockMode::exclusive);
    if (auto known = read_or_clear(record.chain_id)) return {{std::move(*known), std::move(held)}, true};
    return {{std::move(record), std::move(held)}, false};
}

HeldLayer LayerStore::get_or_make(const WorkFolder& work, const std::vector<std::string>& ancestors,
                                  const std::string& diff_id, const Make& make) const {
    LayerRecord record;
    record.ancestors = ancestors;
    record.chain_id = chain_id(ancestors.empty() ? "" : ancestors.back(), diff_id);
    const Dir locks = store_.run().create_dir("locks");
    const std::string name = "layer-" + folder_of(record.chain_id);
    for (Patience patience;; patience.wait(locks.path_of(name))) {
        if (auto shared = FileLock::try_acquire(locks, name, LockMode::shared))
            if (auto known = read(record.chain_id)) return {std::move(*known), std::move(*shared)};
        auto held = FileLock::try_acquire(locks, name, LockMode::exclusive);
        if (!held) continue;
        if (auto known = read(record.chain_id)) {
            share(*held);
            return {std::move(*known), std::move(*held)};
        }
        const Dir folder = fill(work, make, record);
        if (record.diff_id != diff_id) throw Error("layer '{}' unpacked to '{}'", diff_id, record.diff_id);
        place(work, {{&folder, &record}});
        share(*held);
        return {std::move(record), std::move(*held)};
    }
}

HeldLayer LayerStore::make_new(const WorkFolder& work, const std::vector<std::string>& ancestors,
                               const Make& make) const {
    LayerRecord record;
    record.ancestors = ancestors;
    const Dir folder = fill(work, make, record);
    record.chain_id = chain_id(ancestors.empty() ? "" : ancestors.back(), record.diff_id);
    FileLock held = lock(record.chain_id, LockMode::exclusive);
    if (auto known = read_or_clear(record.chain_id)) return {std::move(*known), std::move(held)};
    place(work, {{&folder, &record}});
    return {std::move(record), std::move(held)};
}

bool LayerStore::is_held(const std::string& chain) const {
    return !FileLock::try_acquire(store_.run().create_dir("locks"), "layer-" + folder_of(chain));
}

bool LayerStore::remove(const std::string& chain, const WorkFolder& work) const {
    const Dir locks = store_.run().create_dir("locks");
    const auto held = FileLock::try_acquire(locks, "layer-" + folder_of(chain));
    if (!held) return false;
    const auto layers = store_.data().open_dir_if_exists(layers_folder);
    if (!layers) return true;
    // Out of sight in one step; what a crash leaves then lies in the work folder.
    const std::string gone = random_hex(8);
    if (::renameat(layers->fd().get(), folder_of(chain).c_str(), work.dir().fd().get(), gone.c_str()) != 0) {
        if (errno == ENOENT) return true;
        throw SysError("removing layer '{}'", chain);
    }
    work.dir().remove_tree(gone);
    locks.remove_file("layer-" + folder_of(chain));
    return true;
}

} // namespace kist::storage
