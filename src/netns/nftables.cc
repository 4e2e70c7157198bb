// SPDX-License-Identifier: Apache-2.0
#include "netns/nftables.hh"

#include <cstring>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace kist::netns {

namespace {

constexpr std::uint8_t comment_of_element = 0; // NFTNL_UDATA_SET_ELEM_COMMENT
constexpr std::uint8_t comment_of_rule = 0;    // NFTNL_UDATA_RULE_COMMENT
constexpr unsigned type_bits = 6;              // nft packs the types of a concatenation so

std::uint32_t register_number(unsigned reg) { return NFT_REG32_00 + reg; }

std::uint32_t packed_type(const std::vector<KeyType>& parts) {
    std::uint32_t number = 0;
    for (const KeyType& part : parts) number = (number << type_bits) | part.number;
    return number;
}

/// In a concatenation each part fills whole registers.
std::uint32_t packed_length(const std::vector<KeyType>& parts) {
    if (parts.size() == 1) return parts.front().length;
    std::uint32_t length = 0;
    for (const KeyType& part : parts) length += (part.length + 3) / 4 * 4;
    return length;
}

/// Userspace data: type, length, text with its NUL.
std::string comment_data(std::uint8_t type, std::string_view text) {
    std::string data;
    data.push_back(static_cast<char>(type));
    data.push_back(static_cast<char>(text.size() + 1));
    data += text;
    data.push_back('\0');
    return data;
}

std::string comment_text(std::string_view data) {
    while (data.size() >= 2) {
        const auto type = static_cast<std::uint8_t>(data[0]), length = static_cast<std::uint8_t>(data[1]);
        if (data.size() < 2u + length) return "";
        if (type == comment_of_element && length > 0) return std::string(data.substr(2, length - 1u));
        data.remove_prefix(2u + length);
    }
    return "";
}

nfgenmsg family_header(int family) {
    nfgenmsg header{};
    header.nfgen_family = static_cast<std::uint8_t>(family);
    header.version = NFNETLINK_V0;
    return header;
}

std::uint16_t message_type(int message) { return static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | message); }

} // namespace

std::string key_part(std::string_view bytes) {
    std::string part(bytes);
    part.resize((part.size() + 3) / 4 * 4, '\0');
    return part;
}

std::string key_part_u16(std::uint16_t number) {
    const std::uint16_t big = htons(number);
    return key_part({reinterpret_cast<const char*>(&big), sizeof big});
}

std::string key_part_u8(std::uint8_t number) { return key_part({reinterpret_cast<const char*>(&number), 1}); }

std::string key_interface(std::string_view name) {
    std::string part(name);
    part.resize(type_interface.length, '\0');
    return part;
}

/// Attributes of an expression, encoded on their own.
class Rule::Encoder {
public:
    Encoder(Rule& rule, std::string name) : rule_(rule) { rule_.expressions_.push_back({std::move(name), {}}); }
    Encoder& be32(std::uint16_t attribute, std::uint32_t value) {
        const std::uint32_t big = htonl(value);
        return bytes(attribute, {reinterpret_cast<const char*>(&big), sizeof big});
    }
    Encoder& text(std::uint16_t attribute, std::string_view value) {
        std::string terminated(value);
        terminated.push_back('\0');
        return bytes(attribute, terminated);
    }
    Encoder& bytes(std::uint16_t attribute, std::string_view value) {
        std::string& out = rule_.expressions_.back().attributes;
        nlattr head{};
        head.nla_len = static_cast<std::uint16_t>(sizeof head + value.size());
        head.nla_type = attribute;
        out.append(reinterpret_cast<const char*>(&head), sizeof head);
        out += value;
        out.resize((out.size() + 3) / 4 * 4, '\0');
        return *this;
    }
    /// NFTA_DATA_VALUE within `attribute`.
    Encoder& value(std::uint16_t attribute, std::string_view data) {
        std::string inner;
        nlattr head{};
        head.nla_len = static_cast<std::uint16_t>(sizeof head + data.size());
        head.nla_type = NFTA_DATA_VALUE;
        inner.append(reinterpret_cast<const char*>(&head), sizeof head);
        inner += data;
        inner.resize((inner.size() + 3) / 4 * 4, '\0');
        return bytes(static_cast<std::uint16_t>(attribute | NLA_F_NESTED), inner);
    }

private:
    Rule& rule_;
};

Rule& Rule::meta(std::uint32_t key, unsigned reg) {
    Encoder(*this, "meta").be32(NFTA_META_DREG, register_number(reg)).be32(NFTA_META_KEY, key);
    return *this;
}

Rule& Rule::ct(std::uint32_t key, unsigned reg) {
    Encoder(*this, "ct").be32(NFTA_CT_DREG, register_number(reg)).be32(NFTA_CT_KEY, key);
    return *this;
}

Rule& Rule::payload(std::uint32_t base, unsigned offset, unsigned length, unsigned reg) {
    Encoder(*this, "payload")
        .be32(NFTA_PAYLOAD_DREG, register_number(reg))
        .be32(NFTA_PAYLOAD_BASE, base)
        .be32(NFTA_PAYLOAD_OFFSET, offset)
        .be32(NFTA_PAYLOAD_LEN, length);
    return *this;
}

Rule& Rule::fib_destination_type(unsigned reg) {
    Encoder(*this, "fib")
        .be32(NFTA_FIB_DREG, register_number(reg))
        .be32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE)
        .be32(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
    return *this;
}

Rule& Rule::mask(unsigned reg, std::string_view bits) {
    Encoder(*this, "bitwise")
        .be32(NFTA_BITWISE_SREG, register_number(reg))
        .be32(NFTA_BITWISE_DREG, register_number(reg))
        .be32(NFTA_BITWISE_LEN, static_cast<std::uint32_t>(bits.size()))
        .value(NFTA_BITWISE_MASK, bits)
        .value(NFTA_BITWISE_XOR, std::string(bits.size(), '\0'));
    return *this;
}

Rule& Rule::equals(unsigned reg, std::string_view bytes) {
    Encoder(*this, "cmp")
        .be32(NFTA_CMP_SREG, register_number(reg))
        .be32(NFTA_CMP_OP, NFT_CMP_EQ)
        .value(NFTA_CMP_DATA, bytes);
    return *this;
}

Rule& Rule::differs(unsigned reg, std::string_view bytes) {
    Encoder(*this, "cmp")
        .be32(NFTA_CMP_SREG, register_number(reg))
        .be32(NFTA_CMP_OP, NFT_CMP_NEQ)
        .value(NFTA_CMP_DATA, bytes);
    return *this;
}

Rule& Rule::in_set(std::string_view set, unsigned reg) {
    Encoder(*this, "lookup").text(NFTA_LOOKUP_SET, set).be32(NFTA_LOOKUP_SREG, register_number(reg));
    return *this;
}

Rule& Rule::not_in_set(std::string_view set, unsigned reg) {
    Encoder(*this, "lookup")
        .text(NFTA_LOOKUP_SET, set)
        .be32(NFTA_LOOKUP_SREG, register_number(reg))
        .be32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    return *this;
}

Rule& Rule::map(std::string_view set, unsigned reg, unsigned to) {
    Encoder(*this, "lookup")
        .text(NFTA_LOOKUP_SET, set)
        .be32(NFTA_LOOKUP_SREG, register_number(reg))
        .be32(NFTA_LOOKUP_DREG, register_number(to));
    return *this;
}

Rule& Rule::load(unsigned reg, std::string_view bytes) {
    Encoder(*this, "immediate").be32(NFTA_IMMEDIATE_DREG, register_number(reg)).value(NFTA_IMMEDIATE_DATA, bytes);
    return *this;
}

Rule& Rule::dnat(int family, unsigned address, int port_register) {
    Encoder encoder(*this, "nat");
    encoder.be32(NFTA_NAT_TYPE, NFT_NAT_DNAT)
        .be32(NFTA_NAT_FAMILY, static_cast<std::uint32_t>(family))
        .be32(NFTA_NAT_REG_ADDR_MIN, register_number(address));
    if (port_register >= 0) {
        encoder.be32(NFTA_NAT_REG_PROTO_MIN, register_number(static_cast<unsigned>(port_register)));
        encoder.be32(NFTA_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
    }
    return *this;
}

Rule& Rule::masquerade() {
    Encoder(*this, "masq");
    return *this;
}

Rule& Rule::verdict(int code, std::string_view chain) {
    std::string inner;
    const auto append = [&](std::uint16_t type, std::string_view bytes) {
        nlattr head{};
        head.nla_len = static_cast<std::uint16_t>(sizeof head + bytes.size());
        head.nla_type = type;
        inner.append(reinterpret_cast<const char*>(&head), sizeof head);
        inner += bytes;
        inner.resize((inner.size() + 3) / 4 * 4, '\0');
    };
    const std::uint32_t big = htonl(static_cast<std::uint32_t>(code));
    append(NFTA_VERDICT_CODE, {reinterpret_cast<const char*>(&big), sizeof big});
    if (!chain.empty()) append(NFTA_VERDICT_CHAIN, std::string(chain) + '\0');
    std::string data = std::move(inner);
    inner.clear();
    append(NFTA_DATA_VERDICT | NLA_F_NESTED, data);
    Encoder(*this, "immediate")
        .be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT)
        .bytes(NFTA_IMMEDIATE_DATA | NLA_F_NESTED, inner);
    return *this;
}

Rule& Rule::with_comment(std::string text) {
    comment_ = std::move(text);
    return *this;
}

NftBatch::NftBatch() {
    nfgenmsg header = family_header(AF_UNSPEC);
    header.res_id = htons(NFNL_SUBSYS_NFTABLES);
    batch_.begin(NFNL_MSG_BATCH_BEGIN, 0, header, "nftables batch");
}

void NftBatch::begin(int message, int flags, int family, std::string what) {
    batch_.begin(message_type(message), flags | NLM_F_ACK, family_header(family), std::move(what));
    ++count_;
}

void NftBatch::add_table(int family, std::string_view table, bool exclusive) {
    begin(NFT_MSG_NEWTABLE, NLM_F_CREATE | (exclusive ? NLM_F_EXCL : 0), family,
          fmt::format("making firewall table '{}'", table));
    batch_.put_text(NFTA_TABLE_NAME, table);
}

void NftBatch::delete_table(int family, std::string_view table) {
    begin(NFT_MSG_DELTABLE, 0, family, fmt::format("removing firewall table '{}'", table));
    batch_.put_text(NFTA_TABLE_NAME, table);
}

void NftBatch::add_chain(int family, std::string_view table, const ChainSpec& chain) {
    begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, family, fmt::format("making firewall chain '{}'", chain.name));
    batch_.put_text(NFTA_CHAIN_TABLE, table);
    batch_.put_text(NFTA_CHAIN_NAME, chain.name);
    if (chain.type.empty()) return;
    batch_.open(NFTA_CHAIN_HOOK);
    batch_.put_be32(NFTA_HOOK_HOOKNUM, chain.hook);
    batch_.put_be32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(chain.priority));
    batch_.close();
    batch_.put_be32(NFTA_CHAIN_POLICY, NF_ACCEPT);
    batch_.put_text(NFTA_CHAIN_TYPE, chain.type);
}

void NftBatch::add_set(int family, std::string_view table, const SetSpec& set) {
    begin(NFT_MSG_NEWSET, NLM_F_CREATE, family, fmt::format("making firewall set '{}'", set.name));
    ++sizes_[family].sets;
    const bool concatenated = set.key.size() > 1;
    std::uint32_t flags = set.data.empty() ? 0 : NFT_SET_MAP;
    if (set.intervals) flags |= NFT_SET_INTERVAL | (concatenated ? NFT_SET_CONCAT : 0);
    batch_.put_text(NFTA_SET_TABLE, table);
    batch_.put_text(NFTA_SET_NAME, set.name);
    batch_.put_be32(NFTA_SET_FLAGS, flags);
    batch_.put_be32(NFTA_SET_KEY_TYPE, packed_type(set.key));
    batch_.put_be32(NFTA_SET_KEY_LEN, packed_length(set.key));
    if (!set.data.empty()) {
        batch_.put_be32(NFTA_SET_DATA_TYPE, packed_type(set.data));
        batch_.put_be32(NFTA_SET_DATA_LEN, packed_length(set.data));
    }
    if (set.intervals && concatenated) {
        batch_.open(NFTA_SET_DESC);
        batch_.open(NFTA_SET_DESC_CONCAT);
        for (const KeyType& part : set.key) {
            batch_.open(NFTA_LIST_ELEM);
            batch_.put_be32(NFTA_SET_FIELD_LEN, part.length);
            batch_.close();
        }
        batch_.close();
        batch_.close();
    }
    batch_.put_be32(NFTA_SET_ID, next_id_++);
    // For `nft list`: the name of an interface is no number whose bytes are turned around.
    if (!concatenated && set.key.front().number == type_interface.number) {
        const std::uint32_t host_endian = 1;        // BYTEORDER_HOST_ENDIAN
        std::string data{'\0', sizeof host_endian}; // NFTNL_UDATA_SET_KEYBYTEORDER
        data.append(reinterpret_cast<const char*>(&host_endian), sizeof host_endian);
        batch_.put(NFTA_SET_USERDATA, data);
    }
}

void NftBatch::add_rule(int family, std::string_view table, std::string_view chain, const Rule& rule) {
    begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, family,
          fmt::format("making a rule of firewall chain '{}'", chain));
    ++sizes_[family].rules;
    batch_.put_text(NFTA_RULE_TABLE, table);
    batch_.put_text(NFTA_RULE_CHAIN, chain);
    batch_.open(NFTA_RULE_EXPRESSIONS);
    for (const auto& expression : rule.expressions_) {
        batch_.open(NFTA_LIST_ELEM);
        batch_.put_text(NFTA_EXPR_NAME, expression.name);
        batch_.open(NFTA_EXPR_DATA);
        batch_.put_plain(expression.attributes);
        batch_.close();
        batch_.close();
    }
    batch_.close();
    if (!rule.comment_.empty()) batch_.put(NFTA_RULE_USERDATA, comment_data(comment_of_rule, rule.comment_));
}

void NftBatch::elements(int message, int flags, int family, std::string_view table, std::string_view set,
                        const std::vector<Element>& elements) {
    // An attribute holds 64 KiB: a message of so many elements is far from it.
    constexpr std::size_t at_once = 256;
    for (std::size_t from = 0; from < elements.size(); from += at_once) {
        begin(message, flags, family,
              fmt::format("{} elements of firewall set '{}'", message == NFT_MSG_NEWSETELEM ? "adding" : "removing",
                          set));
        batch_.put_text(NFTA_SET_ELEM_LIST_TABLE, table);
        batch_.put_text(NFTA_SET_ELEM_LIST_SET, set);
        batch_.open(NFTA_SET_ELEM_LIST_ELEMENTS);
        for (std::size_t i = from; i < std::min(from + at_once, elements.size()); ++i) {
            const Element& element = elements[i];
            batch_.open(NFTA_LIST_ELEM);
            batch_.open(NFTA_SET_ELEM_KEY);
            batch_.put(NFTA_DATA_VALUE, element.key);
            batch_.close();
            if (!element.key_end.empty()) {
                batch_.open(NFTA_SET_ELEM_KEY_END);
                batch_.put(NFTA_DATA_VALUE, element.key_end);
                batch_.close();
            }
            if (message == NFT_MSG_NEWSETELEM) {
                if (!element.data.empty()) {
                    batch_.open(NFTA_SET_ELEM_DATA);
                    batch_.put(NFTA_DATA_VALUE, element.data);
                    batch_.close();
                }
                if (!element.owner.empty())
                    batch_.put(NFTA_SET_ELEM_USERDATA, comment_data(comment_of_element, element.owner));
            }
            batch_.close();
        }
        batch_.close();
    }
}

void NftBatch::add_elements(int family, std::string_view table, std::string_view set,
                            const std::vector<Element>& list) {
    elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, family, table, set, list);
}

void NftBatch::delete_elements(int family, std::string_view table, std::string_view set,
                               const std::vector<Element>& list) {
    elements(NFT_MSG_DELSETELEM, 0, family, table, set, list);
}

TableSize NftBatch::size(int family) const {
    const auto found = sizes_.find(family);
    return found == sizes_.end() ? TableSize{} : found->second;
}

std::vector<NetlinkFailure> NftBatch::commit(NetlinkSocket& socket) {
    if (count_ == 0) return {};
    nfgenmsg header = family_header(AF_UNSPEC);
    header.res_id = htons(NFNL_SUBSYS_NFTABLES);
    batch_.begin(NFNL_MSG_BATCH_END, 0, header, "nftables batch");
    return socket.try_send(batch_);
}

std::vector<Element> list_elements(NetlinkSocket& socket, int family, std::string_view table, std::string_view set) {
    NetlinkBatch batch;
    batch.begin(message_type(NFT_MSG_GETSETELEM), NLM_F_DUMP, family_header(family),
                fmt::format("reading firewall set '{}'", set));
    batch.put_text(NFTA_SET_ELEM_LIST_TABLE, table);
    batch.put_text(NFTA_SET_ELEM_LIST_SET, set);
    std::vector<Element> found;
    const auto take = [&](const NetlinkMessage& message) {
        if (message.payload.size() < sizeof(nfgenmsg)) return;
        const auto list = find_attribute(message.payload.substr(sizeof(nfgenmsg)), NFTA_SET_ELEM_LIST_ELEMENTS);
        for (const Attribute& item : parse_attributes(list)) {
            Element element;
            element.key = find_attribute(find_attribute(item.bytes, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
            element.key_end = find_attribute(find_attribute(item.bytes, NFTA_SET_ELEM_KEY_END), NFTA_DATA_VALUE);
            element.data = find_attribute(find_attribute(item.bytes, NFTA_SET_ELEM_DATA), NFTA_DATA_VALUE);
            element.owner = comment_text(find_attribute(item.bytes, NFTA_SET_ELEM_USERDATA));
            found.push_back(std::move(element));
        }
    };
    try {
        socket.query(batch, take);
    } catch (const SysError& error) {
        if (error.code != ENOENT) throw;
    }
    return found;
}

bool has_table(NetlinkSocket& socket, int family, std::string_view table) {
    NetlinkBatch batch;
    batch.begin(message_type(NFT_MSG_GETTABLE), 0, family_header(family),
                fmt::format("looking at firewall table '{}'", table));
    batch.put_text(NFTA_TABLE_NAME, table);
    try {
        socket.query(batch, [](const NetlinkMessage&) {});
        return true;
    } catch (const SysError& error) {
        if (error.code == ENOENT) return false;
        throw;
    }
}

TableSize size_of_table(NetlinkSocket& socket, int family, std::string_view table) {
    // The kernel leaves out other tables; old ones list all, and a message names its table first.
    const auto count = [&](int message, std::uint16_t table_attribute) {
        NetlinkBatch batch;
        batch.begin(message_type(message), NLM_F_DUMP, family_header(family),
                    fmt::format("reading firewall table '{}'", table));
        batch.put_text(table_attribute, table);
        std::size_t found = 0;
        const auto take = [&](const NetlinkMessage& answer) {
            if (answer.payload.size() < sizeof(nfgenmsg)) return;
            const auto attributes = parse_attributes(answer.payload.substr(sizeof(nfgenmsg)));
            for (const Attribute& attribute : attributes)
                if (attribute.type == table_attribute && attribute.text() == table) ++found;
        };
        try {
            socket.query(batch, take);
        } catch (const SysError& error) {
            if (error.code != ENOENT) throw;
        }
        return found;
    };
    return {count(NFT_MSG_GETSET, NFTA_SET_TABLE), count(NFT_MSG_GETRULE, NFTA_RULE_TABLE)};
}

} // namespace kist::netns
