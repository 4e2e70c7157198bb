// SPDX-License-Identifier: Apache-2.0
// Opens the parts of the engine when they are first asked for: what a command does not need costs it nothing.
#include "engine/engine.hh"

#include <unistd.h>

#include "engine/storage_options.hh"

namespace kist::engine {

const storage::Store& Engine::store() {
    if (!store_) {
        if (geteuid() != 0) throw Error("must be run as root (try sudo kist …)");
        using Check = storage::Store::HostCheck;
        const bool skips = parse_storage_options(config_.storage_opts, config_.storage_driver).override_kernel_check;
        store_.emplace(storage::Store::open({config_.data_root, config_.exec_root}, config_.storage_driver,
                                            skips ? Check::no : Check::yes));
    }
    return *store_;
}

storage::ContainerStore& Engine::containers() {
    if (!containers_) containers_.emplace(store());
    return *containers_;
}

storage::ImageStore& Engine::images() {
    if (!images_) images_.emplace(store());
    return *images_;
}

storage::VolumeStore& Engine::volumes() {
    if (!volumes_) volumes_.emplace(store());
    return *volumes_;
}

storage::NetworkStore& Engine::networks() {
    if (!networks_) networks_.emplace(store());
    return *networks_;
}

const oci::CgroupHost& Engine::cgroups() {
    if (!cgroups_) cgroups_.emplace(oci::CgroupHost::detect());
    return *cgroups_;
}

} // namespace kist::engine
