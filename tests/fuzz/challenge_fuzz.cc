// SPDX-License-Identifier: Apache-2.0
// Headers and addresses from a registry: what is taken as an address is written and read back as the same one, and has
// nothing in it that would end a line of a request.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "registry/challenge.hh"

using namespace kist::registry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)parse_challenge(text);
    const Url base = parse_url("https://r.example/x").value();
    for (const auto& url : {parse_url(text), resolve_url(base, text)}) {
        if (!url) continue;
        const auto again = parse_url(url->str());
        if (!again || !(*again == *url)) std::abort();
        if (url->str().find_first_of("\r\n @") < url->str().find('/', 8)) std::abort();
        if (url->str().find_first_of("\r\n ") != std::string::npos) std::abort();
    }
    return 0;
}
