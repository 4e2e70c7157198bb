// SPDX-License-Identifier: Apache-2.0
// tmp/<random>/ of the data root: where something is made before one rename puts it in place. Whoever works in one holds its
// lock, so what a crash leaves is known by a free lock, whatever its process id or age.
#pragma once

#include <optional>
#include <string>

#include "base/interrupt.hh"
#include "base/lock.hh"
#include "storage/store.hh"

namespace kist::storage {

/// It goes with its owner: by the destructor, by Ctrl-C and its like, else by the next sweep.
class WorkFolder {
public:
    explicit WorkFolder(const Store&);
    WorkFolder(const WorkFolder&) = delete;
    WorkFolder& operator=(const WorkFolder&) = delete;
    ~WorkFolder();
    const Dir& dir() const { return dir_; }

private:
    void remove_in_use() const noexcept;
    Dir parent_;
    std::string name_;
    Dir dir_;
    std::optional<FileLock> lock_;
    std::optional<CleanOnInterrupt> interrupt_;
};

/// Removes what interrupted commands left in tmp/. Cheap when there is nothing. Called by load, import and rmi.
void sweep_work_folders(const Store&);

} // namespace kist::storage
