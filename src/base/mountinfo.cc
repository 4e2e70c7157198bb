// SPDX-License-Identifier: Apache-2.0
#include "base/mountinfo.hh"

#include "base/text.hh"

namespace kist {

std::string unescape_mountinfo(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            if (const auto code = parse_octal(text.substr(i + 1, 3), 0377)) {
                plain += static_cast<char>(*code);
                i += 3;
                continue;
            }
        }
        plain += text[i];
    }
    return plain;
}

std::vector<MountLine> parse_mountinfo(std::string_view text) {
    std::vector<MountLine> mounts;
    for (const std::string& line : split(text, '\n')) {
        const std::size_t dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        // id, parent, device, root, target, …
        const std::vector<std::string> fields = split(line.substr(0, dash), ' ');
        const auto id = fields.empty() ? std::nullopt : parse_unsigned(fields[0], INT32_MAX);
        if (!id || fields.size() < 5) continue;
        const std::string type = split_once(std::string_view(line).substr(dash + 3), ' ').first;
        mounts.push_back({static_cast<int>(*id), unescape_mountinfo(fields[3]), unescape_mountinfo(fields[4]), type});
    }
    return mounts;
}

} // namespace kist
