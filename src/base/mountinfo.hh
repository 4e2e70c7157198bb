// SPDX-License-Identifier: Apache-2.0
// The text of /proc/PID/mountinfo (proc(5)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kist {

struct MountLine {
    int id = 0;
    std::string root, target, type;
    bool operator==(const MountLine&) const = default;
};
std::vector<MountLine> parse_mountinfo(std::string_view text);

/// Blank, tab, newline and backslash are written as \ooo there.
std::string unescape_mountinfo(std::string_view text);

} // namespace kist
