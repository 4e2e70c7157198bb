// SPDX-License-Identifier: Apache-2.0
// A container's name service: its monitor answers at 127.0.0.11 inside the container's network namespace, for the names of
// its networks from their lease files; other questions go to the host's name servers from the host's network. There is no
// shared resolver that could die. It listens on a port of the kernel's choice that a rule inside the namespace leads port 53
// to, so a name server in the container may have port 53.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <netinet/in.h>

#include "base/event_loop.hh"
#include "base/fd.hh"
#include "base/file.hh"
#include "netns/dns_forwarder.hh"
#include "netns/dns_message.hh"
#include "netns/leases.hh"
#include "netns/types.hh"

namespace kist::netns {

inline constexpr const char* name_server_address = "127.0.0.11";

class NameServer {
public:
    /// Binds in `space` and sets the rule there. `run_root`: where leases are.
    NameServer(EventLoop& loop, const ContainerPlan& plan, const std::string& run_root, const Fd& space);
    ~NameServer();
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;

    /// After connect and disconnect.
    void use(const ContainerPlan& plan);

private:
    struct Zone; ///< the leases of one network, read again when its folder has changed
    struct Client {
        Fd fd;
        std::string bytes; ///< of a question that is not here whole
    };

    void listen(const Fd& space);
    void on_packets();
    void on_packet(std::string_view query, const sockaddr_in& client);
    void on_connection();
    void on_stream(std::uint64_t id);
    void drop_client(std::uint64_t id);
    void send_to_client(std::uint64_t id, std::string_view message);
    /// Empty: somebody else may know.
    std::string answer_locally(std::string_view query, const DnsQuestion& question, std::size_t limit);
    std::optional<DnsAnswer> look_up(const DnsQuestion& question);

    EventLoop& loop_;
    std::string run_root_;
    Fd udp_, tcp_;
    std::vector<std::unique_ptr<Zone>> zones_;
    std::map<std::uint64_t, Client> clients_; ///< of TCP, the one that came first before the others
    std::uint64_t next_client_ = 1;
    DnsForwarder forwarder_;
};

} // namespace kist::netns
