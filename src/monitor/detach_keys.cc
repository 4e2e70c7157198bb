// SPDX-License-Identifier: Apache-2.0
#include "monitor/detach_keys.hh"

#include "base/error.hh"
#include "base/text.hh"

namespace kist::monitor {

namespace {

constexpr std::string_view control_prefix = "ctrl-";

[[noreturn]] void refuse(std::string_view text) {
    UsageError error("invalid detach keys '{}'", printable(text));
    error.with_hint("keys are separated by commas; each is one character or ctrl- and one of a-z @ [ \\ ] ^ _");
    throw error;
}

char control_key(char c, std::string_view whole) {
    constexpr std::string_view specials = "@[\\]^_";
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if ((upper < 'A' || upper > 'Z') && specials.find(upper) == std::string_view::npos) refuse(whole);
    return static_cast<char>(upper & 0x1f);
}

} // namespace

std::string parse_detach_keys(std::string_view text) {
    std::string bytes;
    for (const std::string& key : split(text, ',')) {
        if (key.size() == 1 && key[0] > ' ' && key[0] < 0x7f) bytes += key;
        else if (key.size() == control_prefix.size() + 1 && starts_with_no_case(key, control_prefix))
            bytes += control_key(key.back(), text);
        else refuse(text);
    }
    return bytes;
}

bool DetachMatcher::feed(std::string_view typed, std::string& forward) {
    if (sequence_.empty()) {
        forward += typed;
        return false;
    }
    for (const char c : typed) {
        held_ += c;
        // What is held must be a beginning of the sequence; else its first keys were ordinary ones.
        while (!held_.empty() && !sequence_.starts_with(held_)) {
            forward += held_.front();
            held_.erase(0, 1);
        }
        if (held_.size() == sequence_.size()) {
            held_.clear();
            return true;
        }
    }
    return false;
}

} // namespace kist::monitor
