// SPDX-License-Identifier: Apache-2.0
#include "runtime/console.hh"

#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/socket.hh"

namespace kist::runtime {

Fd connect_stream(const std::string& path, std::string_view what) {
    // By descriptor: the path may be longer than sun_path.
    const Fd file{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (!file) throw SysError("opening {} '{}'", what, path);
    const std::string short_path = fmt::format("/proc/self/fd/{}", file.get());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, short_path.c_str(), short_path.size() + 1);
    Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket) throw SysError("making a socket");
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        throw SysError("connecting to {} '{}'", what, path);
    return socket;
}

ConsoleSocket::ConsoleSocket(const std::string& path) : socket_(connect_stream(path, "console socket")) {}

void ConsoleSocket::send(const Fd& terminal) const {
    try {
        // It was opened non-blocking for a loop of ours; the receiver reads it as it likes.
        if (::fcntl(terminal.get(), F_SETFL, O_RDWR) < 0) throw SysError("making the terminal blocking");
        send_message(socket_, "/dev/ptmx", {terminal.get()});
    } catch (Error& error) {
        error.while_doing("sending the terminal to the console socket");
        throw;
    }
}

} // namespace kist::runtime
