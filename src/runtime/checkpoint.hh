// SPDX-License-Identifier: Apache-2.0
// A container's processes written into a folder by criu(8), and made again from there.
#pragma once

#include <string>

#include "base/process.hh"
#include "runtime/criu/plan.hh"
#include "runtime/operations.hh"
#include "runtime/record.hh"

namespace kist::runtime {

struct CheckpointOptions {
    std::string images; ///< a folder; made if missing
    std::string work;   ///< for criu's log; empty: the images folder
    criu::CheckpointWishes wishes;
};
/// Unless it is to be left running the container has stopped afterwards; what fails leaves it as it was.
void checkpoint(const Container&, const CheckpointOptions&);

struct RestoreOptions {
    std::string id;
    std::string bundle;
    std::string images;
    std::string work;
    std::string console_socket;
    std::string pid_file;
    bool detach = false;
    CgroupManager cgroup_manager = CgroupManager::cgroupfs;
    criu::RestoreWishes wishes;
};
/// A container that runs again. `child` is its first process, our child as that of create() is.
struct Restored {
    Container container;
    Child child;
    Fd terminal; ///< the master, unless the console socket has got it
};
/// All or nothing, as create().
Restored restore(const Store&, const RestoreOptions&);

} // namespace kist::runtime
