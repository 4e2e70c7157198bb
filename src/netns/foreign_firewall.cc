// SPDX-License-Identifier: Apache-2.0
#include "netns/foreign_firewall.hh"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>

#include "base/file.hh"
#include "netns/firewall.hh"

namespace kist::netns {

namespace {

struct Chain {
    std::uint8_t family = 0;
    std::string table, name;
    std::uint32_t hook = UINT32_MAX;
    bool drops = false;
};

std::vector<Chain> list_chains(NetlinkSocket& socket) {
    NetlinkBatch batch;
    nfgenmsg header{};
    header.nfgen_family = AF_UNSPEC;
    header.version = NFNETLINK_V0;
    batch.begin(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP, header, "reading the firewall's chains");
    std::vector<Chain> found;
    socket.query(batch, [&](const NetlinkMessage& message) {
        if (message.payload.size() < sizeof(nfgenmsg)) return;
        Chain chain;
        chain.family = static_cast<std::uint8_t>(message.payload[0]);
        for (const Attribute& attribute : parse_attributes(message.payload.substr(sizeof(nfgenmsg)))) {
            if (attribute.type == NFTA_CHAIN_TABLE) chain.table = attribute.text();
            if (attribute.type == NFTA_CHAIN_NAME) chain.name = attribute.text();
            if (attribute.type == NFTA_CHAIN_POLICY) chain.drops = attribute.be32() == NF_DROP;
            if (attribute.type == NFTA_CHAIN_HOOK)
                for (const Attribute& hook : parse_attributes(attribute.bytes))
                    if (hook.type == NFTA_HOOK_HOOKNUM) chain.hook = hook.be32();
        }
        found.push_back(std::move(chain));
    });
    return found;
}

/// iptables-nft keeps its rules in tables of these names, with chains named like hooks.
bool is_iptables(const Chain& chain) {
    return (chain.family == NFPROTO_IPV4 || chain.family == NFPROTO_IPV6) && chain.table == "filter" &&
           chain.name == "FORWARD";
}

/// iptables-legacy of one family. Asking for a table that is not there would load its module: /proc says which are.
template <typename Info, typename Entries, typename Entry>
bool legacy_forward_drops(int family, int level, int info_option, int entries_option, const char* names) {
    const auto tables = read_file_if_exists(names, 4096);
    if (!tables || ("\n" + *tables).find("\nfilter\n") == std::string::npos) return false;
    const Fd fd{::socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)};
    Info info{};
    std::strcpy(info.name, "filter");
    socklen_t length = sizeof info;
    if (!fd || ::getsockopt(fd.get(), level, info_option, &info, &length) != 0) return false;
    if ((info.valid_hooks & 1u << NF_INET_FORWARD) == 0) return false;
    std::vector<char> bytes(sizeof(Entries) + info.size);
    Entries request{};
    std::strcpy(request.name, "filter");
    request.size = info.size;
    std::memcpy(bytes.data(), &request, sizeof request);
    length = static_cast<socklen_t>(bytes.size());
    if (::getsockopt(fd.get(), level, entries_option, bytes.data(), &length) != 0) return false; // changed in between
    // A chain's policy is the verdict of its last entry, which the table's description points at.
    const std::size_t at = offsetof(Entries, entrytable) + info.underflow[NF_INET_FORWARD];
    if (at + sizeof(Entry) + sizeof(xt_standard_target) > bytes.size()) return false;
    Entry entry{};
    std::memcpy(&entry, bytes.data() + at, sizeof entry);
    xt_standard_target target{};
    if (at + entry.target_offset + sizeof target > bytes.size()) return false;
    std::memcpy(&target, bytes.data() + at + entry.target_offset, sizeof target);
    return target.verdict == -NF_DROP - 1;
}

} // namespace

std::vector<BlockingChain> forward_blockers(NetlinkSocket& firewall) {
    std::vector<BlockingChain> blockers;
    const std::vector<Chain> chains = list_chains(firewall);
    for (const Chain& chain : chains) {
        const char* family = chain.family == NFPROTO_INET   ? "inet"
                             : chain.family == NFPROTO_IPV4 ? "ip"
                             : chain.family == NFPROTO_IPV6 ? "ip6"
                                                            : nullptr;
        if (family == nullptr || !chain.drops || chain.hook != NF_INET_FORWARD || chain.table == firewall_table)
            continue;
        const bool docker = std::any_of(chains.begin(), chains.end(), [&](const Chain& other) {
            return other.family == chain.family && other.table == chain.table && other.name == "DOCKER-USER";
        });
        blockers.push_back({family, chain.table, chain.name, is_iptables(chain), docker});
    }
    if (legacy_forward_drops<ipt_getinfo, ipt_get_entries, ipt_entry>(AF_INET, IPPROTO_IP, IPT_SO_GET_INFO,
                                                                      IPT_SO_GET_ENTRIES, "/proc/net/ip_tables_names"))
        blockers.push_back({"ip", "filter", "FORWARD", true, false});
    if (legacy_forward_drops<ip6t_getinfo, ip6t_get_entries, ip6t_entry>(
            AF_INET6, IPPROTO_IPV6, IP6T_SO_GET_INFO, IP6T_SO_GET_ENTRIES, "/proc/net/ip6_tables_names"))
        blockers.push_back({"ip6", "filter", "FORWARD", true, false});
    return blockers;
}

} // namespace kist::netns
