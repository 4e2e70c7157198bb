// SPDX-License-Identifier: Apache-2.0
// The kernel's words for an errno value.
#include "base/error.hh"

#include <cstring>

namespace kist {

std::string errno_text(int code) {
    const char* text = ::strerrordesc_np(code);
    return text != nullptr ? text : fmt::format("error {}", code);
}

} // namespace kist
