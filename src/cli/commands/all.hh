// SPDX-License-Identifier: Apache-2.0
// Each command's entry; every one is defined in the file of its name.
#pragma once

#include "cli/command.hh"

namespace kist::cli::command {

extern const Command attach, commit, completion, config_list, config_show, config_validate, container_cleanup,
    container_init, container_exists, container_inspect, container_prune, cp, create, diff, dump_cli, events, exec,
    export_container, healthcheck_run, help, history, image_diff, image_exists, image_inspect, image_mount, image_prune,
    image_tree, images, import_image, info, inspect, kill, load, logs, mount, pause, port, ps, pull, rename, restart,
    rm, rmi, run, save, start, stats, stop, system_df, system_prune, tag, top, unpause, untag, update, version, wait;
extern const Command system_check, volume_create, volume_exists, volume_export, volume_import, volume_inspect,
    volume_ls, volume_mount, volume_prune, volume_rm, volume_unmount;
extern const Command login, logout, manifest_add, manifest_annotate, manifest_create, manifest_exists, manifest_inspect,
    manifest_push, manifest_remove, manifest_rm, push, search;
extern const Command network_connect, network_create, network_disconnect, network_exists, network_inspect, network_ls,
    network_prune, network_reload, network_rm, network_update;

} // namespace kist::cli::command
