// SPDX-License-Identifier: Apache-2.0
// What is said between a container's monitor and the commands: the file it starts from and the packets on its sockets.
// Both sides may be of different versions (a monitor outlives an upgrade): unknown packets are ignored, fields are added only.
//
// A monitor is started as `kist-monitor [--adopt | --init] <container id>` with descriptor 3 = the spawn socket, descriptor 4 = the
// container's run folder, 0 to 2 = /dev/null (5 to 7: see passed_stdio), and needs no environment. In the run folder it finds monitor.json (Job), holds
// monitor.lock until the container's end is on disk, makes the FIFOs stdin, stdout, stderr and listens on control.sock.
//
// Order at a container's end: output drained into the log → cgroup gone → exit.json and state.json written (with auto_remove:
// the record removed instead) → control.sock unlinked → monitor.lock free → `exited` to every client, behind the output still
// queued for it → the monitor ends. Whoever has seen `exited` may therefore start or remove the container at once.
//
// With a restart policy: output drained → cgroup gone → state.json says restarting → `exited` with the word "restarting" to
// every client → the monitor stays, and starts the container again by monitor.json as it is then. Who asks for a stop
// meanwhile calls that off.
//
// Output: what is read from the container is logged first, then sent to the clients that asked for that stream. A client whose
// socket is full stops the reading (the container then waits as in a shell's pipeline), so an attached client that reads loses
// nothing. The client on the spawn socket may hold it up as long as it lives (`run … | less`); one that attached later and
// does not read for 10 s is told so by `failed` and dropped.
//
// Input: a client may have sent at most stdin_window bytes of stdin_data that no stdin_credit has given back; so a container
// that does not read its input never keeps resize, signal or stop from getting through.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.hh"
#include "netns/types.hh"
#include "oci/spec/root_mount.hh"
#include "oci/spec/runtime_spec.hh"
#include "storage/supervision.hh"

namespace kist::monitor {

inline constexpr std::string_view passthrough_driver = "passthrough";

struct LogConfig {
    std::string driver = "json-file"; ///< json-file, k8s-file, local, journald, syslog, passthrough or none
    std::string path;                 ///< absolute; rotated files are path.1, path.2, …
    std::int64_t max_size = 10 << 20; ///< bytes; -1: never rotated
    int max_files = 3;
    bool compress = false;        ///< rotated files
    std::int64_t max_age = 0;     ///< ns; rotated files that are older are removed; 0: none is for its age
    std::int64_t buffer_size = 0; ///< bytes that may wait for a log that takes none; 0: the container waits
    /// json-file: members of the object "attrs" of each record, as JSON text without braces. journald: the same as fields.
    std::string attributes;
    std::string tag; ///< what journald and syslog call the container
    std::string id, name;
    bool operator==(const LogConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("driver", &LogConfig::driver);
        field("path", &LogConfig::path);
        field("max_size", &LogConfig::max_size);
        field("max_files", &LogConfig::max_files);
        field("compress", &LogConfig::compress);
        field("max_age", &LogConfig::max_age);
        field("buffer_size", &LogConfig::buffer_size);
        field("attributes", &LogConfig::attributes);
        field("tag", &LogConfig::tag);
        field("id", &LogConfig::id);
        field("name", &LogConfig::name);
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
    bool stdin_once = false;      ///< close stdin when the first attached client ends (docker run -i without -d)
    netns::ContainerPlan network; ///< nothing attached: the spec says it all
    LogConfig log;
    std::string stop_signal = "SIGTERM";
    int stop_timeout = 10;
    bool auto_remove = false;
    std::string hook_folder;      ///< hooks of the spec must lie below it
    std::string event_attributes; ///< storage::Event::prepared: image, name and labels
    storage::RestartPolicy restart;
    std::optional<storage::NotifyConfig> notify; ///< with a socket: a service manager waits for it
    std::optional<storage::HealthCheck> health;
    /// Namespace ("network", "pid", …) → full id of the container that lends it: its process is looked up anew at a restart.
    std::map<std::string, std::string> joined;
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
        field("network", &Job::network);
        field("log", &Job::log);
        field("stop_signal", &Job::stop_signal);
        field("stop_timeout", &Job::stop_timeout);
        field("auto_remove", &Job::auto_remove);
        field("hook_folder", &Job::hook_folder);
        field("event_attributes", &Job::event_attributes);
        field("restart", &Job::restart);
        field("notify", &Job::notify);
        field("health", &Job::health);
        field("joined", &Job::joined);
    }
};
Job parse_job(std::string_view text, std::string_view where);
std::string dump_job(const Job&);

/// Descriptor 3 of a fresh monitor: a SEQPACKET socketpair to the command that spawned it. When the command wants to be
/// attached from the first byte, this is its attach connection as well.
inline constexpr int spawn_socket = 3;
/// Descriptor 4: the container's run folder.
inline constexpr int run_folder = 4;
inline constexpr int passed_stdio = 5; ///< with the log driver passthrough: three descriptors for the container

/// Names in the run folder.
inline constexpr std::string_view job_file = "monitor.json";
inline constexpr std::string_view monitor_lock = "monitor.lock";
/// The listening SEQPACKET socket.
inline constexpr std::string_view control_socket = "control.sock";

/// First byte of every packet; the rest is its payload. Packets are at most max_packet bytes.
enum class Packet : std::uint8_t {
    // client → monitor
    /// Attach flags (1 byte): which streams this client wants. First packet of an attaching client.
    attach = 'A',
    stdin_data = 'i',
    stdin_end = 'e',
    resize = 'w', ///< "rows cols" in decimal
    /// decimal signal number, to the container's init; answered by done/failed unless the client is attached
    signal = 's',
    /// "timeout [signal [purpose]]": decimal seconds (negative: for ever), an optional signal number (0: its own)
    /// and StopPurpose; answered by `exited` when the container has exited and its exit is on disk, or by `failed`
    stop = 't',
    pause = 'p', ///< answered by done/failed
    unpause = 'u',
    /// be paused for as long as this connection lasts, unless the user has paused it or ends that; answered by done/failed
    hold = 'k',
    let_go = 'K',       ///< the end of that; answered by done
    check_health = 'h', ///< a health check now; answered by `checked` or `failed`
    /// monitor.json has changed (`update`): restart policy, health check, how to stop; answered by done/failed
    reload = 'l',
    /// the program of a container that waits for it (kist-monitor --init); answered by `started` or `failed`
    start = 'g',
    ping = 'P',           ///< answered by done
    connect = 'n',        ///< a netns::Attachment as JSON, its addresses leased; answered by done/failed
    disconnect = 'd',     ///< name of a network; answered by done/failed
    reload_network = 'R', ///< put the firewall's elements back; answered by done/failed
    /// answer the container's questions for names, asking these servers what the networks do not know: addresses with
    /// blanks between; answered by done/failed
    name_servers = 'N',
    // monitor → client
    /// "pid[\nwarnings]": init has exec'd (or, for an adopting monitor, lives); what poststart hooks failed at
    started = 'S',
    failed = 'F', ///< "exit_code\nmessage\nhint": the request could not be carried out
    stdout_data = 'o',
    stderr_data = 'r',
    stdin_credit = 'c', ///< decimal count of stdin bytes that the container's pipe has taken
    stdin_closed = 'z', ///< the container reads no input (any more)
    exited = 'X',       ///< "code [restarting]": decimal exit code as a shell sees it; see the order above
    done = 'D',
    /// "exit_code status": of the check that was asked for, and what the container's health is now
    checked = 'H',
};
enum AttachFlag : std::uint8_t { attach_stdin = 1, attach_stdout = 2, attach_stderr = 4 };
inline constexpr std::size_t max_packet = 64 * 1024;
inline constexpr std::size_t stdin_window = 256 * 1024;

std::string make_packet(Packet, std::string_view payload = {});

/// A received packet, viewing the bytes it was parsed from.
struct PacketView {
    Packet type{};
    std::string_view payload;
};
/// Nothing for an empty packet; an unknown type is passed on for the receiver to ignore.
std::optional<PacketView> parse_packet(std::string_view bytes);

struct WindowSize {
    unsigned short rows = 0, columns = 0;
    bool operator==(const WindowSize&) const = default;
};
std::string format_resize(WindowSize);
std::optional<WindowSize> parse_resize(std::string_view payload);

enum class StopPurpose {
    stop,     ///< the user wants it to stay so
    restart,  ///< it is started again at once: no auto_remove this time
    shutdown, ///< the host goes down: after the boot its restart policy counts
    cancel,   ///< only when it waits for its next start; `failed` when it runs
};
constexpr auto names_of(StopPurpose) {
    using P = StopPurpose;
    return std::to_array<std::pair<StopPurpose, std::string_view>>(
        {{P::stop, "stop"}, {P::restart, "keep"}, {P::shutdown, "shutdown"}, {P::cancel, "cancel"}});
}
struct StopRequest {
    std::int64_t timeout = 10; ///< seconds; negative: for ever
    int signal = 0;            ///< 0: the container's stop signal
    StopPurpose purpose = StopPurpose::stop;
    bool operator==(const StopRequest&) const = default;
};
std::string format_stop(const StopRequest&);
std::optional<StopRequest> parse_stop(std::string_view payload);

struct Exit {
    int code = 255;
    bool goes_on = false; ///< it will be started again
    bool operator==(const Exit&) const = default;
};
std::string format_exit(const Exit&);
Exit parse_exit(std::string_view payload);

std::string format_attachment(const netns::Attachment&);
netns::Attachment parse_attachment(std::string_view payload);

std::string format_failure(const Error&);
/// The Error that the other side met, with its exit code and hint.
Error parse_failure(std::string_view payload);

} // namespace kist::monitor
