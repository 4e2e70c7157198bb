// SPDX-License-Identifier: Apache-2.0
// Batches of nftables messages: tables, chains, sets, rules, elements. One batch is one transaction of the kernel: all of
// it or nothing. Formats: linux/netfilter/nf_tables.h; what `nft --debug=netlink` shows is the same.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "netns/netlink.hh"

namespace kist::netns {

/// A type that sets know: number and length are nft's own, so that `nft list ruleset` prints elements as it should.
struct KeyType {
    std::uint32_t number;
    std::uint32_t length; ///< bytes
};
inline constexpr KeyType type_ipv4{7, 4}, type_ipv6{8, 16}, type_protocol{12, 1}, type_port{13, 2},
    type_interface{41, 16};

struct SetSpec {
    std::string name;
    std::vector<KeyType> key;
    std::vector<KeyType> data = {}; ///< of a map
    bool intervals = false;
};

/// One element. Each part of a key is padded to 4 bytes by key_of().
struct Element {
    std::string key;
    std::string key_end = {}; ///< of an interval, inclusive
    std::string data = {};    ///< of a map
    std::string owner = {};   ///< kept as the element's comment
};
std::string key_part(std::string_view bytes);
std::string key_part_u16(std::uint16_t number); ///< big-endian
std::string key_part_u8(std::uint8_t number);
std::string key_interface(std::string_view name); ///< 16 bytes, NUL padded

/// The expressions of one rule, in order. Registers are the 4-byte ones, from 0 on.
class Rule {
public:
    Rule& meta(std::uint32_t key, unsigned reg);
    Rule& ct(std::uint32_t key, unsigned reg);
    /// `base`: NFT_PAYLOAD_*.
    Rule& payload(std::uint32_t base, unsigned offset, unsigned length, unsigned reg);
    /// Type of the destination address as the host routes it (RTN_LOCAL …).
    Rule& fib_destination_type(unsigned reg);
    Rule& mask(unsigned reg, std::string_view bits);
    Rule& equals(unsigned reg, std::string_view bytes);
    Rule& differs(unsigned reg, std::string_view bytes);
    Rule& in_set(std::string_view set, unsigned reg);
    Rule& not_in_set(std::string_view set, unsigned reg);
    /// Data of the element to register `to`; without one the rule ends here.
    Rule& map(std::string_view set, unsigned reg, unsigned to);
    /// Constant bytes into a register.
    Rule& load(unsigned reg, std::string_view bytes);
    Rule& dnat(int family, unsigned address, int port_register = -1);
    Rule& masquerade();
    Rule& verdict(int code, std::string_view chain = {});
    const std::string& comment() const { return comment_; }
    Rule& with_comment(std::string text);

private:
    friend class NftBatch;
    struct Expression {
        std::string name;
        std::string attributes; ///< encoded
    };
    class Encoder;
    std::vector<Expression> expressions_;
    std::string comment_;
};

struct ChainSpec {
    std::string name;
    std::string type = {}; ///< filter, nat; empty: a chain that is only jumped to
    std::uint32_t hook = 0;
    std::int32_t priority = 0;
};

/// What a table consists of besides elements; equal when nobody has taken anything out of it.
struct TableSize {
    std::size_t sets = 0, rules = 0;
    bool operator==(const TableSize&) const = default;
};

class NftBatch {
public:
    NftBatch();
    /// Fails with EEXIST (index 0 of the failures' text) when it is there, if `exclusive`.
    void add_table(int family, std::string_view table, bool exclusive);
    void delete_table(int family, std::string_view table);
    void add_chain(int family, std::string_view table, const ChainSpec& chain);
    void add_set(int family, std::string_view table, const SetSpec& set);
    void add_rule(int family, std::string_view table, std::string_view chain, const Rule& rule);
    void add_elements(int family, std::string_view table, std::string_view set, const std::vector<Element>& elements);
    void delete_elements(int family, std::string_view table, std::string_view set,
                         const std::vector<Element>& elements);

    /// Commits. Returns what failed; nothing of it is done then.
    std::vector<NetlinkFailure> commit(NetlinkSocket& socket);
    bool empty() const { return count_ == 0; }
    /// Of the tables of this family, as far as this batch makes them.
    TableSize size(int family) const;

private:
    void begin(int message, int flags, int family, std::string what);
    void elements(int message, int flags, int family, std::string_view table, std::string_view set,
                  const std::vector<Element>& elements);
    NetlinkBatch batch_;
    std::uint32_t next_id_ = 1;
    int count_ = 0;
    std::map<int, TableSize> sizes_; ///< by family
};

/// Elements of a set; nothing when the table or the set does not exist.
std::vector<Element> list_elements(NetlinkSocket& socket, int family, std::string_view table, std::string_view set);
bool has_table(NetlinkSocket& socket, int family, std::string_view table);
/// Nothing of a table that does not exist.
TableSize size_of_table(NetlinkSocket& socket, int family, std::string_view table);

} // namespace kist::netns
