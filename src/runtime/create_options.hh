// SPDX-License-Identifier: Apache-2.0
// The options that create, run and restore share.
#pragma once

#include "runtime/command.hh"
#include "runtime/operations.hh"

namespace kist::runtime {

struct CreateArguments {
    std::string bundle = ".";
    std::string console_socket;
    bool no_new_keyring = false;
    bool no_pivot = false;
    std::string pid_file;
    int preserve_fds = 0;
};

/// Of whatever makes a container from a bundle.
template <typename T>
constexpr auto bundle_options() {
    using cli::Completes;
    return std::to_array<cli::Option<T>>({
        {{"b,bundle", "FOLDER", "The folder with config.json (default: the working directory)", Completes::folder},
         &T::bundle},
        {{"console-socket", "PATH", "Unix socket that receives the master of the terminal", Completes::file},
         &T::console_socket},
        {{"pid-file", "FILE", "Write the process number of the container's first process here", Completes::file},
         &T::pid_file},
    });
}

template <typename T>
constexpr auto create_options() {
    return cli::concat(
        bundle_options<T>(),
        std::to_array<cli::Option<T>>({
            {{"no-new-keyring", "", "Keep the caller's session keyring"}, &T::no_new_keyring},
            {{"no-pivot", "", "Leave the host's root by moving a mount, not by pivot_root"}, &T::no_pivot},
            {{"preserve-fds", "NUMBER", "Pass on so many descriptors after standard error"}, &T::preserve_fds},
        }));
}

inline CgroupManager cgroup_manager(const Globals& globals) {
    return globals.systemd_cgroup ? CgroupManager::systemd : CgroupManager::cgroupfs;
}

inline CreateOptions to_create_options(const CreateArguments& given, const std::string& id, CgroupManager manager) {
    if (given.preserve_fds < 0 || given.preserve_fds > 1000)
        throw UsageError("invalid value '{}' for --preserve-fds: expected a number from 0 to 1000", given.preserve_fds);
    return {.id = id,
            .bundle = given.bundle,
            .console_socket = given.console_socket,
            .pid_file = given.pid_file,
            .preserve_fds = given.preserve_fds,
            .no_pivot = given.no_pivot,
            .no_new_keyring = given.no_new_keyring,
            .cgroup_manager = manager};
}

} // namespace kist::runtime
