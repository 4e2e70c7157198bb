// SPDX-License-Identifier: Apache-2.0
// Temporary folders with an owner.
#include "storage/work_folder.hh"

#include <chrono>
#include <thread>

#include "base/ids.hh"

namespace kist::storage {
namespace {

constexpr const char* lock_name = "lock";

} // namespace

WorkFolder::WorkFolder(const Store& store) : parent_(store.data().create_dir("tmp")), name_(random_hex(12)) {
    // Shared: many may make folders at once, but none while a sweep looks, which would see a folder without its lock.
    const FileLock no_sweep = FileLock::acquire(parent_, lock_name, LockMode::shared);
    dir_ = parent_.create_dir(name_);
    lock_ = FileLock::acquire(dir_, lock_name);
    interrupt_.emplace([this] { remove_in_use(); });
}

/// Programs of ours that still write into it have got the signal, too, and end now.
void WorkFolder::remove_in_use() const noexcept {
    for (int tries = 0; tries < 50; ++tries) {
        try {
            parent_.remove_tree(name_);
            return;
        } catch (...) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
}

WorkFolder::~WorkFolder() {
    interrupt_.reset();
    try {
        parent_.remove_tree(name_);
    } catch (...) { // the next sweep tries again
    }
}

void sweep_work_folders(const Store& store) {
    const auto parent = store.data().open_dir_if_exists("tmp");
    if (!parent) return;
    const auto names = parent->names();
    if (names.empty() || (names.size() == 1 && names.front() == lock_name)) return;
    const auto alone = FileLock::try_acquire(*parent, lock_name);
    if (!alone) return; // somebody makes or sweeps: a later command will
    for (const std::string& name : parent->names()) {
        if (name == lock_name) continue;
        const auto folder = parent->open_dir_if_exists(name);
        if (!folder) continue;
        if (const auto lock = FileLock::try_acquire(*folder, lock_name)) parent->remove_tree(name);
    }
}

} // namespace kist::storage
