// SPDX-License-Identifier: Apache-2.0
// What is said between a container's monitor and the commands: the file it starts from and the packets on its sockets.
// Both sides may be of different versions (a monitor outlives an upgrade): unknown packets are ignored, fields are added only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.hh"
#include "oci/spec/root_mount.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::monitor {

struct LogConfig {
    std::string driver = "json-file"; ///< json-file or none, for now
    std::string path;                 ///< absolute; rotated files are path.1, path.2, …
    std::int64_t max_size = 10 << 20; ///< bytes; -1: never rotated
    int max_files = 3;
    bool operator==(const LogConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("driver", &LogConfig::driver);
        field("path", &LogConfig::path);
        field("max_size", &LogConfig::max_size);
        field("max_files", &LogConfig::max_files);
    }
};

/// monitor.json in the container's run folder: all that a monitor needs, also one that adopts a container whose monitor
/// was killed. Written by the engine before the monitor is spawned.
struct Job {
    int schema = 1;
    std::string id;
    /// --root and --runroot: the monitor opens the container store with them.
    std::string data_root, run_root;
    oci::Spec spec;
    oci::RootMount root;
    std::string cgroup_path;
    std::optional<std::string> user;
    std::vector<std::string> group_add;
    std::string seccomp_program; ///< file with the compiled filter; empty: unconfined
    std::vector<std::string> clamp_rlimits;
    bool stdin_open = false;
    bool stdin_once = false; ///< close stdin when the first attached client ends (docker run -i without -d)
    LogConfig log;
    std::string stop_signal = "SIGTERM";
    int stop_timeout = 10;
    bool auto_remove = false;
    bool operator==(const Job&) const = default;
    static constexpr void fields(auto&& field) {
        field("schema", &Job::schema, required);
        field("id", &Job::id, required);
        field("data_root", &Job::data_root, required);
        field("run_root", &Job::run_root, required);
        field("spec", &Job::spec, required);
        field("root", &Job::root, required);
        field("cgroup_path", &Job::cgroup_path, required);
        field("user", &Job::user);
        field("group_add", &Job::group_add);
        field("seccomp_program", &Job::seccomp_program);
        field("clamp_rlimits", &Job::clamp_rlimits);
        field("stdin_open", &Job::stdin_open);
        field("stdin_once", &Job::stdin_once);
        field("log", &Job::log);
        field("stop_signal", &Job::stop_signal);
        field("stop_timeout", &Job::stop_timeout);
        field("auto_remove", &Job::auto_remove);
    }
};
Job parse_job(std::string_view text, std::string_view where);
std::string dump_job(const Job&);

/// Descriptor 3 of a fresh monitor: a SEQPACKET socketpair to the command that spawned it. When the command wants to be
/// attached from the first byte, this is its attach connection as well.
inline constexpr int spawn_socket = 3;
/// Name of the listening SEQPACKET socket in the container's run folder.
inline constexpr std::string_view control_socket = "control.sock";

/// First byte of every packet; the rest is its payload. Packets are at most max_packet bytes.
enum class Packet : std::uint8_t {
    // client → monitor
    attach = 'A',    ///< Attach flags (1 byte): which streams this client wants. First packet of an attaching client.
    stdin_data = 'i',
    stdin_end = 'e',
    resize = 'w',    ///< "rows cols" in decimal
    signal = 's',    ///< decimal signal number, to the container's init
    stop = 't',      ///< "timeout [signal]": decimal seconds (negative: for ever) and an optional signal number; answered by `done` or `failed`
                     ///< when the container has exited and its exit is on disk
    pause = 'p',     ///< answered by done/failed
    unpause = 'u',
    ping = 'P',
    // monitor → client
    started = 'S',   ///< decimal pid: init has exec'd
    failed = 'F',    ///< "exit_code\nmessage\nhint": the request could not be carried out
    stdout_data = 'o',
    stderr_data = 'r',
    exited = 'X',    ///< decimal exit code as a shell sees it; sent after exit is recorded and, with auto_remove, after removal
    done = 'D',
};
enum AttachFlag : std::uint8_t { attach_stdin = 1, attach_stdout = 2, attach_stderr = 4 };
inline constexpr std::size_t max_packet = 64 * 1024;

std::string make_packet(Packet, std::string_view payload = {});

} // namespace kist::monitor
