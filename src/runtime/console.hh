// SPDX-License-Identifier: Apache-2.0
// The caller's --console-socket: who supervises the container gets the master of its pty there.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.hh"

namespace kist::runtime {

/// Connects to the Unix stream socket at `path`, however long that is. Throws SysError; `what` names it.
Fd connect_stream(const std::string& path, std::string_view what);

/// Opened before the container is made, so that a wrong path makes none.
class ConsoleSocket {
public:
    ConsoleSocket() = default;
    /// Connects to the stream socket at `path`. Throws SysError.
    explicit ConsoleSocket(const std::string& path);
    explicit operator bool() const { return static_cast<bool>(socket_); }
    /// The descriptor with its name, as the receivers of other runtimes expect it.
    void send(const Fd& terminal) const;

private:
    Fd socket_;
};

} // namespace kist::runtime
