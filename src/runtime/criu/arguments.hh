// SPDX-License-Identifier: Apache-2.0
// The options that checkpoint and restore share.
#pragma once

#include <string>
#include <vector>

#include "runtime/command.hh"
#include "runtime/criu/plan.hh"

namespace kist::runtime::criu {

struct Arguments {
    bool auto_dedup = false;
    std::vector<std::string> empty_ns;
    bool ext_unix_sk = false;
    bool file_locks = false;
    std::string image_path = "checkpoint";
    bool link_remap = false;
    std::string manage_cgroups_mode = "soft";
    bool shell_job = false;
    bool tcp_established = false;
    std::string work_path;
};

template <typename T>
constexpr auto options_of() {
    using cli::Completes;
    return std::to_array<cli::Option<T>>({
        {{"auto-dedup", "", "Free what a later image of memory replaces in an earlier one"}, &T::auto_dedup},
        {{"empty-ns", "KIND", "Leave out what is in the namespace: network", Completes::words, "network"},
         &T::empty_ns},
        {{"ext-unix-sk", "", "Allow Unix sockets with their other end outside"}, &T::ext_unix_sk},
        {{"file-locks", "", "Allow file locks; nobody else may hold them"}, &T::file_locks},
        {{"image-path", "FOLDER", "The folder of the images (default: checkpoint in the working directory)",
          Completes::folder},
         &T::image_path},
        {{"link-remap", "", "Allow open files that have no name any more: they are given one"}, &T::link_remap},
        {{"manage-cgroups-mode", "MODE",
          "Control groups in the container's own: soft, full, strict or ignore (default soft)", Completes::words,
          "soft|full|strict|ignore"},
         &T::manage_cgroups_mode},
        {{"shell-job", "", "Allow a session and a terminal that are not the container's own"}, &T::shell_job},
        {{"tcp-established", "", "Allow open TCP connections"}, &T::tcp_established},
        {{"work-path", "FOLDER", "The folder of criu's log (default: that of the images)", Completes::folder},
         &T::work_path},
    });
}

/// Throws UsageError.
void set_wishes(Wishes&, const Arguments&);

} // namespace kist::runtime::criu
