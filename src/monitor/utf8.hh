// SPDX-License-Identifier: Apache-2.0
// UTF-8 sequences inside output that may be anything.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kist::monitor {

/// Length of the well-formed sequence that `text` starts with (no overlong form, no surrogate, at most U+10FFFF); 0 when
/// it starts with none.
std::size_t utf8_sequence(std::string_view text);
/// The length of `text` without a sequence that its end cuts in two: where a long line may be divided.
std::size_t utf8_cut(std::string_view text);
void append_utf8(std::string& to, char32_t character);

} // namespace kist::monitor
