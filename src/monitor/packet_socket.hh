// SPDX-License-Identifier: Apache-2.0
// Whole packets over a SEQPACKET socket without an allocation each.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/fd.hh"
#include "monitor/protocol.hh"

namespace kist::monitor {

enum class Wait { yes, no };

/// The client's end of a connection to a monitor.
class PacketSocket {
public:
    explicit PacketSocket(Fd socket);
    int fd() const { return socket_.get(); }
    Fd take() && { return std::move(socket_); }

    /// Blocks while the monitor's end is full (it always reads). A monitor that is gone is no failure here: the next
    /// receive() says so.
    void send(Packet type, std::string_view payload = {}) const;
    enum class Result { packet, none, end };
    /// `packet` views memory that the next call overwrites. none: Wait::no and nothing there. end: the monitor is gone.
    Result receive(PacketView& packet, Wait = Wait::yes);

private:
    Fd socket_;
    std::unique_ptr<char[]> buffer_;
};

} // namespace kist::monitor
