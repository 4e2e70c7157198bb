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
    struct Pending;
    struct Client;
    struct Zone; ///< the leases of one network, read again when its folder has changed

    void listen(const Fd& space);
    void on_packet();
    void on_connection();
    void on_stream(int fd);
    void drop_client(int fd);
    /// Empty: it was passed on, or is to be ignored.
    std::string answer_locally(std::string_view query, const DnsQuestion& question, std::size_t limit);
    std::optional<DnsAnswer> look_up(const DnsQuestion& question);
    void forward(std::string query, const DnsQuestion& question, const sockaddr_in& client, int stream);
    void ask_next(std::uint64_t id);
    void on_reply(std::uint64_t id);
    void give_up(std::uint64_t id);
    void reply(const Pending& pending, std::string_view message);

    EventLoop& loop_;
    std::string run_root_;
    std::vector<std::string> upstreams_;
    bool forwards_ = true;
    Fd udp_, tcp_;
    std::vector<std::unique_ptr<Zone>> zones_;
    std::map<std::uint64_t, std::unique_ptr<Pending>> pending_;
    std::map<int, std::unique_ptr<Client>> clients_;
    std::uint64_t next_ = 1;
};

} // namespace kist::netns
