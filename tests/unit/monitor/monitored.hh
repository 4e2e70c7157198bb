// SPDX-License-Identifier: Apache-2.0
// A container record, a root made of busybox, and the real kist-monitor on it, all below a temporary folder.
#pragma once

#include <optional>
#include <string>

#include "base/file.hh"
#include "base/ids.hh"
#include "monitor/client.hh"
#include "monitor/control.hh"
#include "monitor/packet_socket.hh"
#include "monitor/spawn.hh"
#include "storage/container_store.hh"

namespace kist::monitor::test {

/// Why the tests cannot run here; empty when they can.
std::string why_not();

class Monitored {
public:
    /// The container's program is `sh -c script`.
    explicit Monitored(const std::string& script);
    ~Monitored();

    Job job;
    const std::string& folder() const { return dir_.path(); }
    const Dir& run() const { return run_; }
    const ContainerId& id() const { return id_; }

    /// Writes monitor.json and starts a monitor; waits until the container runs.
    SpawnedMonitor start(std::uint8_t attach = 0);
    SpawnedMonitor spawn(std::uint8_t attach = 0, bool adopt = false);
    storage::ContainerState state() const;
    std::string log() const; ///< all text in it, both streams
    ControlClient control() const;
    /// Of both streams, until `exited`; its code.
    struct Output {
        std::string out, err;
        int code = -1;
    };
    static Output read_until_exit(PacketSocket& socket);

private:
    TempDir dir_;
    storage::Store store_;
    storage::ContainerStore containers_;
    ContainerId id_;
    Dir run_;
};

/// Polls for at most 5 s.
bool eventually(const std::function<bool()>& holds);

} // namespace kist::monitor::test
