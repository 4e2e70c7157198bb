// SPDX-License-Identifier: Apache-2.0
// Image names: what is accepted is normal already when it is read again, and has nothing that a path or a URL would misunderstand.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "storage/image_store.hh"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using kist::storage::Reference;
    const auto name = Reference::try_parse({reinterpret_cast<const char*>(data), size});
    if (!name) return 0;
    if (Reference::try_parse(name->str()) != name) std::abort();
    const std::string text = name->str();
    if (text.find("..") != std::string::npos || text.find("//") != std::string::npos) std::abort();
    for (const char c : text)
        if (c <= ' ' || c > '~' || c == '%' || c == '?' || c == '#' || c == '\\') std::abort();
    return 0;
}
