// SPDX-License-Identifier: Apache-2.0
// Volumes, and what interrupted commands leave that is nobody's.
#include "base/error.hh"
#include "base/time.hh"
#include "storage/check.hh"
#include "storage/record.hh"
#include "storage/work_folder.hh"

namespace kist::storage {

namespace {

std::size_t count_temporary(const std::optional<Dir>& folder) {
    std::size_t count = 0;
    if (folder)
        for (const std::string& name : folder->names()) count += name.starts_with(temp_prefix) ? 1 : 0;
    return count;
}

} // namespace

void StoreCheck::check_volumes() {
    for (const std::string& name : volumes_.names()) {
        ++counts_["volumes"];
        check_volume(name);
    }
    if (const auto left = count_temporary(store_.data().open_dir_if_exists("volumes")); left > 0)
        note({"temporary", "volumes", std::to_string(left) + " left by a volume create or rm that was interrupted", "",
              false, false},
             [&] {
                 volumes_.sweep();
                 if (count_temporary(store_.data().open_dir_if_exists("volumes")) > 0)
                     throw Error("somebody is at work there");
             });
}

/// A record is made anew only for a folder with data in it, which no volume of another type has: its labels are lost, and its
/// data are not.
void StoreCheck::check_volume(const std::string& name) {
    const Dir folder = volumes_.folder(name);
    const auto data = folder.open_dir_if_exists("_data");
    try {
        const auto record = volumes_.find(name);
        if (!record) return;
        if (!data)
            note({"volume", name, "its data are missing", "restore them, or remove it with 'kist volume rm'", false,
                  false});
        return;
    } catch (const Error& error) {
        Problem problem{"volume", name, error.what(), "remove it with 'kist volume rm " + name + "'", false, false};
        if (!data || data->names().empty()) return note(std::move(problem));
        note(std::move(problem), [&] {
            const FileLock lock = volumes_.lock(name, LockMode::exclusive);
            VolumeRecord record;
            record.name = name;
            record.created = Moment::now().ns;
            write_record(folder, "volume.json", record, Durability::durable);
        });
    }
}

void StoreCheck::check_temporary() {
    const auto idle_work = [&] {
        std::size_t count = 0;
        const auto parent = store_.data().open_dir_if_exists("tmp");
        if (!parent) return count;
        for (const std::string& name : parent->names()) {
            const auto folder = name == "lock" ? std::nullopt : parent->open_dir_if_exists(name);
            if (folder && !FileLock::is_held(*folder, "lock")) ++count;
        }
        return count;
    };
    if (const std::size_t left = idle_work(); left > 0)
        note({"temporary", "tmp", std::to_string(left) + " left by a load, pull or rmi that was interrupted", "", false,
              false},
             [&] {
                 sweep_work_folders(store_);
                 if (idle_work() > 0) throw Error("somebody is at work there");
             });
}

} // namespace kist::storage
