// SPDX-License-Identifier: Apache-2.0
// JSON text to Value and back. RapidJSON lives in json.cc alone; it parses iteratively, so depth costs no stack.
#pragma once

#include <string>
#include <string_view>

#include "base/value.hh"

namespace kist::json {

struct Limits {
    std::size_t bytes = 16u << 20;
    std::size_t depth = 200;
    std::size_t values = 2'000'000;
};

/// `where` names the document in errors: "config.json: line 3, column 7: expected ',' or '}'". Refuses duplicate keys of
/// one object, invalid UTF-8, trailing text and anything over the limits. Integers that fit stay integers.
Value parse(std::string_view text, std::string_view where, const Limits& = {});

/// Compact on one line; control characters and U+2028/9 escaped. Go's HTML escaping (<, >, &) is not done. Bytes that are
/// no UTF-8 become U+FFFD. Numbers look as Go's encoder writes them: a whole floating point number has no fraction.
std::string dump(const Value&);
/// Indented as Docker's inspect prints it (4 spaces), "[]" and "{}" for empty ones.
std::string dump_pretty(const Value&, int indent = 4);

} // namespace kist::json
