// SPDX-License-Identifier: Apache-2.0
// A message from a D-Bus service: read within its bytes, or refused.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/dbus.hh"

using namespace kist;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    try {
        const dbus::Message message = dbus::decode(bytes);
        if (message.body.size() > size || dbus::message_length(bytes) != size) std::abort();
        for (const std::string& argument : dbus::leading_arguments(message))
            if (argument.size() > size) std::abort();
    } catch (const Error&) {
    }
    return 0;
}
