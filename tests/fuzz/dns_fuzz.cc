// SPDX-License-Identifier: Apache-2.0
// Bytes from a container at its name service: whatever is read must be answerable.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "netns/dns_message.hh"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kist::netns;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    (void)make_dns_error(bytes, DnsCode::refused);
    const auto question = parse_dns_question(bytes);
    if (!question) return 0;
    (void)address_of_reverse(question->name);
    DnsAnswer answer;
    for (const char* text : {"10.0.0.1", "fd00::1"}) answer.addresses.push_back(Address::parse(text).value());
    answer.names = {"web.front"};
    for (const std::size_t limit : {std::size_t{0}, dns_udp_size, dns_message_limit}) {
        const std::string reply = make_dns_reply(bytes, *question, answer, limit);
        if (reply.size() < question->end ||
            (limit == dns_udp_size && question->end <= 400 && reply.size() > limit + 11))
            std::abort();
    }
    return 0;
}
