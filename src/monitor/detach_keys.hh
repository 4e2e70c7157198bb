// SPDX-License-Identifier: Apache-2.0
// The key sequence that leaves an attached container without ending it (--detach-keys).
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace kist::monitor {

/// "ctrl-p,ctrl-q": keys separated by commas, each one character or ctrl- with one of a-z @ [ \ ] ^ _. An empty text
/// disables detaching. Throws UsageError. Returns the bytes that a terminal sends for them.
std::string parse_detach_keys(std::string_view text);

/// Watches what is typed. Bytes that may be the start of the sequence are held back until it is clear.
class DetachMatcher {
public:
    explicit DetachMatcher(std::string sequence) : sequence_(std::move(sequence)) {}
    /// Appends to `forward` what is for the container. True when the sequence is complete; the rest of `typed` is dropped.
    bool feed(std::string_view typed, std::string& forward);
    /// After a moment without the next key the held ones are ordinary input (a shell's Ctrl-P must not be swallowed).
    std::string take_held() { return std::exchange(held_, {}); }
    bool is_holding() const { return !held_.empty(); }

private:
    std::string sequence_;
    std::string held_;
};

} // namespace kist::monitor
