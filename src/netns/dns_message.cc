// SPDX-License-Identifier: Apache-2.0
#include "netns/dns_message.hh"

#include <algorithm>

#include "base/text.hh"

namespace kist::netns {

namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t longest_name = 255, longest_label = 63;
constexpr std::uint16_t class_internet = 1, type_options = 41;
constexpr std::uint16_t flag_reply = 0x8000, flag_authoritative = 0x0400, flag_truncated = 0x0200,
                        flag_recursion = 0x0100, flag_available = 0x0080;
constexpr std::uint16_t opcode_mask = 0x7800;
constexpr std::size_t offered_udp_size = 1232; // what passes everywhere in one packet

std::uint16_t read16(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[at]) << 8) |
                                      static_cast<unsigned char>(bytes[at + 1]));
}

void put16(std::string& out, std::size_t value) {
    out.push_back(static_cast<char>((value >> 8) & 0xff));
    out.push_back(static_cast<char>(value & 0xff));
}

void put32(std::string& out, std::uint32_t value) {
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}

/// A name without compression, as every question has it. Moves `at` behind it.
std::optional<std::string> read_name(std::string_view message, std::size_t& at) {
    std::string name;
    for (std::size_t total = 0;;) {
        if (at >= message.size()) return std::nullopt;
        const std::size_t length = static_cast<unsigned char>(message[at++]);
        if (length == 0) return name;
        total += length + 1;
        if (length > longest_label || total > longest_name || at + length > message.size()) return std::nullopt;
        if (!name.empty()) name += '.';
        for (const char c : message.substr(at, length))
            name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        at += length;
    }
}

void put_name(std::string& out, const std::string& name) {
    for (const std::string& label : split(name, '.')) {
        if (label.empty() || label.size() > longest_label) continue;
        out.push_back(static_cast<char>(label.size()));
        out += label;
    }
    out.push_back('\0');
}

/// An OPT record right behind the question, which is where resolvers put it.
void read_options(std::string_view message, DnsQuestion& question) {
    const std::size_t at = question.end;
    if (read16(message, 10) == 0 || message.size() < at + 11 || message[at] != 0 ||
        read16(message, at + 1) != type_options)
        return;
    question.edns = true;
    question.udp_size = std::clamp<std::size_t>(read16(message, at + 3), dns_udp_size, 4096);
}

std::string record(std::uint16_t type, std::uint32_t ttl, std::string_view data) {
    std::string text;
    put16(text, 0xc000 | header_size); // the question's name
    put16(text, type);
    put16(text, class_internet);
    put32(text, ttl);
    put16(text, data.size());
    text += data;
    return text;
}

std::vector<std::string> records_for(const DnsQuestion& question, const DnsAnswer& answer) {
    std::vector<std::string> records;
    const auto type = static_cast<DnsType>(question.type);
    for (const Address& address : answer.addresses) {
        const DnsType own = address.is_v6() ? DnsType::aaaa : DnsType::a;
        if (type == own || type == DnsType::any)
            records.push_back(record(static_cast<std::uint16_t>(own), answer.ttl, address.bytes()));
    }
    for (const std::string& name : answer.names) {
        std::string data;
        put_name(data, name);
        records.push_back(record(static_cast<std::uint16_t>(DnsType::ptr), answer.ttl, data));
    }
    return records;
}

} // namespace

std::optional<DnsQuestion> parse_dns_question(std::string_view message) {
    if (message.size() < header_size) return std::nullopt;
    const std::uint16_t flags = read16(message, 2);
    if ((flags & (flag_reply | opcode_mask)) != 0 || read16(message, 4) != 1 || read16(message, 6) != 0)
        return std::nullopt;
    std::size_t at = header_size;
    auto name = read_name(message, at);
    if (!name || at + 4 > message.size()) return std::nullopt;
    DnsQuestion question;
    question.id = read16(message, 0);
    question.name = std::move(*name);
    question.type = read16(message, at);
    question.internet = read16(message, at + 2) == class_internet;
    question.end = at + 4;
    question.recursion_desired = (flags & flag_recursion) != 0;
    read_options(message, question);
    return question;
}

std::string make_dns_reply(std::string_view query, const DnsQuestion& question, const DnsAnswer& answer,
                           std::size_t limit) {
    const auto records = records_for(question, answer);
    const std::size_t options = question.edns ? 11 : 0;
    std::size_t size = question.end + options, count = 0;
    while (count < records.size() && size + records[count].size() <= limit) size += records[count++].size();
    std::uint16_t flags = flag_reply | flag_authoritative | flag_available;
    if (question.recursion_desired) flags |= flag_recursion;
    if (count < records.size()) flags |= flag_truncated;
    std::string reply;
    put16(reply, question.id);
    put16(reply, flags | static_cast<std::uint16_t>(answer.code));
    put16(reply, 1);
    put16(reply, count);
    put16(reply, 0);
    put16(reply, question.edns ? 1 : 0);
    reply += query.substr(header_size, question.end - header_size);
    for (std::size_t i = 0; i < count; ++i) reply += records[i];
    if (question.edns) {
        reply.push_back('\0');
        put16(reply, type_options);
        put16(reply, offered_udp_size);
        put32(reply, 0);
        put16(reply, 0);
    }
    return reply;
}

std::string make_dns_error(std::string_view query, DnsCode code) {
    if (query.size() < header_size || (read16(query, 2) & flag_reply) != 0) return "";
    std::string reply(query.substr(0, 2));
    put16(reply, flag_reply | flag_available | (read16(query, 2) & (opcode_mask | flag_recursion)) |
                     static_cast<std::uint16_t>(code));
    reply.append(8, '\0');
    return reply;
}

std::optional<Address> address_of_reverse(std::string_view name) {
    auto labels = split(name, '.');
    if (labels.size() == 6 && labels[4] == "in-addr" && labels[5] == "arpa")
        return Address::parse(labels[3] + "." + labels[2] + "." + labels[1] + "." + labels[0]);
    if (labels.size() != 34 || labels[32] != "ip6" || labels[33] != "arpa") return std::nullopt;
    std::string text;
    for (std::size_t i = 32; i-- > 0;) {
        if (labels[i].size() != 1) return std::nullopt;
        text += labels[i];
        if (i % 4 == 0 && i != 0) text += ':';
    }
    return Address::parse(text);
}

} // namespace kist::netns
