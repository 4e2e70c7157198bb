// SPDX-License-Identifier: Apache-2.0
// criu at work: its program, the conversation with it, and what its log says of a failure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/file.hh"
#include "base/socket.hh"
#include "runtime/criu/message.hh"

namespace kist::runtime::criu {

/// The first one in our PATH. Throws Error that says what to install.
std::string find_program();
/// Nothing of our caller's reaches it: it runs programs by name ('ip', 'iptables-restore', 'tar').
std::vector<std::string> environment();
/// What it is started as: it speaks on that descriptor.
std::vector<std::string> command(const std::string& program, int socket);

/// What it tells in between, with the descriptors that come along. What is thrown ends it: criu undoes what it did.
using Notified = std::function<void(const Response&, std::vector<Fd>&)>;
/// Asks, and answers notifications until the work is done. Throws what `notified` threw, or Error with the end of the log in
/// `work`.
Response ask(const Fd& socket, const std::string& request, const Notified& notified, const Dir& work,
             const std::string& log);

} // namespace kist::runtime::criu
