// SPDX-License-Identifier: Apache-2.0
// Positions and the two forms of a template's error message.

#include "cli/format/source.hh"

#include <algorithm>

namespace kist::cli {

Source::Place Source::place(std::size_t position) const {
    std::string_view before = text.substr(0, position);
    std::size_t last = before.rfind('\n');
    std::size_t line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    return {line, last == std::string_view::npos ? before.size() : before.size() - last - 1};
}

void Source::fail_parse(std::size_t position, std::string_view reason) const {
    Place at = place(position);
    throw TemplateError(fmt::format("template: {}:{}:{}: {}", name, at.line, at.column, reason), at.line, at.column,
                        ExitCode::engine);
}

void Source::fail_execute(std::size_t position, std::string_view what, std::string_view reason) const {
    Place at = place(position);
    throw TemplateError(
        fmt::format("template: {}:{}:{}: executing \"{}\" at <{}>: {}", name, at.line, at.column, name, what, reason),
        at.line, at.column, ExitCode::failure);
}

} // namespace kist::cli
