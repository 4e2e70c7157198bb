// SPDX-License-Identifier: Apache-2.0
// DNS questions and replies of a container's name service.
#include "netns/dns_message.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist::netns;

namespace {

std::string query(const std::string& labels, std::uint16_t type, bool edns = false) {
    std::string text("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00", 11);
    text.push_back(edns ? 1 : 0);
    text += labels;
    text.push_back('\0');
    text += {static_cast<char>(type >> 8), static_cast<char>(type & 255), 0, 1};
    if (edns) text += std::string("\0\0\x29\x10\0\0\0\0\0\0\0", 11);
    return text;
}

DnsAnswer addresses(std::initializer_list<const char*> list) {
    DnsAnswer answer;
    for (const char* text : list) answer.addresses.push_back(Address::parse(text).value());
    return answer;
}

} // namespace

TEST_CASE("a question is read in lower case, with what its sender can take") {
    const auto question = parse_dns_question(query("\3WeB\5front", 1, true));
    REQUIRE(question);
    CHECK(question->id == 0x1234);
    CHECK(question->name == "web.front");
    CHECK(question->type == 1);
    CHECK(question->internet);
    CHECK(question->udp_size == 4096);
    CHECK(parse_dns_question(query("\3web", 28))->udp_size == 512);
    CHECK(parse_dns_question(query("", 2))->name.empty());
}

TEST_CASE("what is no single plain question is refused") {
    const std::string good = query("\3web", 1);
    for (std::size_t cut = 0; cut < good.size(); ++cut)
        CHECK_FALSE(parse_dns_question(std::string_view(good).substr(0, cut)));
    std::string reply = good, two = good, update = good, pointer = query("\300\014", 1),
                longer = query("\77" + std::string(10, 'x'), 1);
    reply[2] = '\x81';
    two[5] = 2;
    update[2] = '\x28';
    for (const std::string& bad : {reply, two, update, pointer, longer}) CHECK_FALSE(parse_dns_question(bad));
    std::string endless;
    for (int i = 0; i < 5; ++i) endless += "\77" + std::string(63, 'a');
    CHECK_FALSE(parse_dns_question(query(endless, 1)));
}

TEST_CASE("a reply holds the addresses of the type that was asked for") {
    const std::string text = query("\3web", 1);
    const auto question = parse_dns_question(text).value();
    const std::string reply = make_dns_reply(text, question, addresses({"10.0.0.2", "fd00::2"}), 512);
    CHECK(reply.substr(0, 2) == "\x12\x34");
    CHECK(static_cast<unsigned char>(reply[2]) == 0x85); // reply, authoritative, recursion was desired
    CHECK(reply[7] == 1);
    CHECK(reply.substr(reply.size() - 4) == std::string("\x0a\0\0\2", 4));
    // The name exists, only not with such an address: no error, no answer, and nobody else is asked.
    const std::string six = query("\3web", 28);
    const std::string empty = make_dns_reply(six, parse_dns_question(six).value(), addresses({"10.0.0.2"}), 512);
    CHECK(empty[7] == 0);
    CHECK((empty[3] & 15) == 0);
}

TEST_CASE("a reply that is too long is cut and says so") {
    const std::string text = query("\3web", 1, true);
    const auto question = parse_dns_question(text).value();
    DnsAnswer many;
    for (int i = 0; i < 100; ++i)
        many.addresses.push_back(Address::parse("10.0.0.1")->plus(static_cast<std::uint64_t>(i)));
    const std::string cut = make_dns_reply(text, question, many, 512);
    CHECK(cut.size() <= 512);
    CHECK((cut[2] & 2) != 0);
    CHECK((make_dns_reply(text, question, many, 65535)[2] & 2) == 0);
}

TEST_CASE("an error is made of a header alone, and never in answer to an answer") {
    CHECK(make_dns_error("short", DnsCode::refused).empty());
    std::string text = query("\3web", 1);
    CHECK((make_dns_error(text, DnsCode::refused)[3] & 15) == 5);
    text[2] = '\x80';
    CHECK(make_dns_error(text, DnsCode::refused).empty());
}

TEST_CASE("names of reverse look-ups") {
    CHECK(address_of_reverse("2.0.207.10.in-addr.arpa")->str() == "10.207.0.2");
    CHECK(address_of_reverse("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa")->str() ==
          "fd00::1");
    for (const char* bad :
         {"", "in-addr.arpa", "0.207.10.in-addr.arpa", "x.0.207.10.in-addr.arpa", "2.0.207.10.in-addr.arp"})
        CHECK_FALSE(address_of_reverse(bad));
}
