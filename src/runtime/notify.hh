// SPDX-License-Identifier: Apache-2.0
// sd_notify(3) across the container's border: the service manager that runs us waits for READY=1, which only the container's
// process can know. It gets a socket of its own; of what it says the one word is passed on.
#pragma once

#include <optional>
#include <string>

#include "base/file.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::runtime {

/// When the container is made: a folder below its own, shown to it, and NOTIFY_SOCKET set for its process.
void add_notify_folder(const Dir& container, oci::Spec& spec);

/// When it is started: the socket in that folder.
class NotifyRelay {
public:
    /// Nothing when the container was made without.
    static std::optional<NotifyRelay> open(const Dir& container, const std::string& manager);
    /// Until the container is ready, which is told on, or its process has ended.
    void wait(const Fd& process, int pid) const;

private:
    NotifyRelay(Fd socket, std::string manager) : socket_(std::move(socket)), manager_(std::move(manager)) {}
    Fd socket_;
    std::string manager_;
};

} // namespace kist::runtime
