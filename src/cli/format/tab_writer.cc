// SPDX-License-Identifier: Apache-2.0
// Widths are found column by column, then everything is written once.

#include "cli/format/tab_writer.hh"

#include <algorithm>
#include <vector>

#include "base/text.hh"

namespace kist::cli {
namespace {

struct Cell {
    std::string_view text;
    std::size_t width;  ///< on the screen
    std::size_t column; ///< width of its column
};
using Line = std::vector<Cell>;

Line cut(std::string_view line) {
    Line cells;
    for (;;) {
        std::size_t tab = line.find('\t');
        std::string_view text = line.substr(0, tab);
        cells.push_back({text, display_width(text), 0});
        if (tab == std::string_view::npos) return cells;
        line.remove_prefix(tab + 1);
    }
}

bool has_column(const Line& line, std::size_t column) { return line.size() > column + 1; }

/// Gives the column of the run of lines that begins at `first` its width; the index behind the run.
std::size_t set_width(std::vector<Line>& lines, std::size_t first, std::size_t column, const TabLayout& layout) {
    std::size_t width = layout.least_width;
    std::size_t end = first;
    for (; end < lines.size() && has_column(lines[end], column); ++end)
        width = std::max(width, lines[end][column].width + layout.padding);
    for (std::size_t i = first; i < end; ++i) lines[i][column].column = width;
    return end;
}

} // namespace

std::string align_tabs(std::string_view text, const TabLayout& layout) {
    std::vector<Line> lines;
    bool ends_line = text.ends_with('\n');
    if (ends_line) text.remove_suffix(1);
    for (;;) {
        std::size_t end = text.find('\n');
        lines.push_back(cut(text.substr(0, end)));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    std::size_t columns = 0;
    for (const Line& line : lines) columns = std::max(columns, line.size() - 1);
    for (std::size_t column = 0; column < columns; ++column)
        for (std::size_t i = 0; i < lines.size();)
            i = has_column(lines[i], column) ? set_width(lines, i, column, layout) : i + 1;

    std::string out;
    for (const Line& line : lines) {
        if (&line != lines.data()) out += '\n';
        for (const Cell& cell : line) {
            out += cell.text;
            if (cell.column > cell.width) out.append(cell.column - cell.width, ' ');
        }
    }
    if (ends_line) out += '\n';
    return out;
}

} // namespace kist::cli
