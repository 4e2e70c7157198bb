// SPDX-License-Identifier: Apache-2.0
// What is said to `criu swrk` and heard from it: one packet a message, in the form of protocol buffers. Pure.
// https://github.com/checkpoint-restore/criu/blob/master/images/rpc.proto
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kist::runtime::criu {

enum class Request { dump = 1, restore = 2, pre_dump = 4, notify = 6 };

/// What becomes of the control groups that the container's processes made for themselves.
enum class CgroupMode { ignore = 0, soft = 3, full = 4, strict = 5 };

struct Pair {
    std::string key, value;
    bool operator==(const Pair&) const = default;
};
/// A descriptor of criu's process that takes the place of a file that was not dumped.
struct Inherited {
    std::string key;
    int fd = -1;
    bool operator==(const Inherited&) const = default;
};

/// "criu_opts". What has its default is not sent, except where 0 means something.
struct Options {
    int images_folder = -1; ///< descriptors of whoever made the socket
    int work_folder = -1;
    std::string log_file;
    int pid = 0;
    std::string root;
    bool leave_running = false, ext_unix_sk = false, tcp_established = false, shell_job = false, file_locks = false;
    bool link_remap = false, auto_dedup = false, track_mem = false;
    bool restore_as_sibling = false, orphan_pts_master = false, evasive_devices = false;
    std::string parent_images; ///< from the images folder
    CgroupMode cgroups = CgroupMode::soft;
    std::string cgroup_root; ///< takes the place of the folder that the container had
    /// In these hierarchies of v1 only, "" is the one of v2; none: in all.
    std::vector<std::string> controllers;
    std::string freeze_cgroup;
    /// Mounts that criu leaves alone: on dump from the place in the container to a word, on restore from that word to a path of ours.
    std::vector<Pair> mounts;
    std::vector<std::string> external;
    std::vector<Inherited> inherited;
    std::vector<Pair> joined_namespaces; ///< kind and path
    std::uint32_t empty_namespaces = 0;  ///< CLONE_NEW*
    std::string lsm_profile, lsm_mount_context;
    bool operator==(const Options&) const = default;
};

std::string encode(Request, const Options&);
/// The answer to a notification: go on, or give up.
std::string encode_answer(bool go_on);

struct Response {
    int type = 0;
    bool success = false;
    int pid = 0;              ///< of a restored container's first process
    std::string notification; ///< "setup-namespaces"; empty when it is none
    int notified_pid = 0;
    int error = 0; ///< errno, as far as criu knows one
    std::string message;
};
/// Throws Error when it is no such message.
Response decode(std::string_view bytes);

} // namespace kist::runtime::criu
