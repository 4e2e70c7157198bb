// SPDX-License-Identifier: Apache-2.0
// Credential files of other tools: whatever is in them, an entry is one of this host's or none.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hh"
#include "base/json.hh"
#include "registry/auth_document.hh"
#include "registry/base64.hh"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kist::registry;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto bytes = base64_decode(text); bytes && base64_encode(*bytes) != text) std::abort();
    try {
        const kist::Value document = kist::json::parse(text, "file");
        for (const std::string& key : matching_keys(document, "registry.example", "team/app")) {
            if (!auth_key(key).starts_with("registry.example")) std::abort();
            read_entry(*document.find("auths")->find(key));
        }
        if (helper_for(document, "registry.example").find('/') != std::string::npos) std::abort();
        helper_for_all(document);
    } catch (const kist::Error&) {
    }
    return 0;
}
