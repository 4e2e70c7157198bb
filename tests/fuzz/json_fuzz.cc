// SPDX-License-Identifier: Apache-2.0
// The JSON parser against arbitrary bytes: it either throws Error or gives a document that is written and read back as
// the same one, in both forms, and never takes more than its limits.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hh"
#include "base/json.hh"

using namespace kist;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Value value;
    try {
        value = json::parse(text, "fuzz", {.bytes = 1 << 20, .depth = 50, .values = 10'000});
    } catch (const Error&) {
        return 0;
    }
    const std::string once = json::dump(value);
    const std::string again = json::dump(json::parse(once, "dump"));
    const std::string pretty = json::dump(json::parse(json::dump_pretty(value), "dump_pretty"));
    if (once != again || once != pretty) std::abort();
    return 0;
}
