// SPDX-License-Identifier: Apache-2.0
// What criu answers and what it writes into its log: read within its bytes, or refused.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hh"
#include "runtime/criu/message.hh"
#include "runtime/criu/plan.hh"

using namespace kist;
using namespace kist::runtime;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    try {
        const criu::Response response = criu::decode(bytes);
        if (response.message.size() > size || response.notification.size() > size) std::abort();
    } catch (const Error&) {
    }
    if (criu::errors_of_log(bytes).size() > 3) std::abort();
    return 0;
}
