// SPDX-License-Identifier: Apache-2.0
// Passes DNS questions on to name servers of the host's network and brings their answers back: by UDP, or by TCP when the
// client came that way (it has seen a cut answer). Several servers are asked in turn. Runs in the monitor's loop, in the
// host's network namespace.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_loop.hh"

namespace kist::netns {

class DnsForwarder {
public:
    /// Gets the answer, or "server failure"; it has the client's id again.
    using Answer = std::function<void(std::string_view message)>;

    explicit DnsForwarder(EventLoop& loop);
    ~DnsForwarder();
    DnsForwarder(const DnsForwarder&) = delete;
    DnsForwarder& operator=(const DnsForwarder&) = delete;

    /// IP addresses. Questions under way go on with those they had chosen.
    void use(std::vector<std::string> servers) { servers_ = std::move(servers); }
    bool has_servers() const { return !servers_.empty(); }
    /// `query`: a message that was parsed. When too many are under way the oldest is answered with a failure. `answer` is
    /// called once, not from here, unless the forwarder ends before.
    void ask(std::string query, bool by_tcp, Answer answer);

private:
    struct Pending;
    void ask_next(std::uint64_t id);
    bool ask_server(std::uint64_t id, Pending& pending, const std::string& server);
    void on_event(std::uint64_t id, std::uint32_t events);
    bool receive(Pending& pending, std::string& message);
    void let_go(Pending& pending);
    void finish(std::uint64_t id, std::string message);

    EventLoop& loop_;
    std::vector<std::string> servers_;
    std::map<std::uint64_t, std::unique_ptr<Pending>> pending_; ///< oldest first
    std::uint64_t next_ = 1;
};

} // namespace kist::netns
