// SPDX-License-Identifier: Apache-2.0
// Tab-separated text to aligned columns, by the rules of Go's text/tabwriter that docker's tables
// are made with.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kist::cli {

struct TabLayout {
    std::size_t least_width = 10; ///< of a column, its padding included
    std::size_t padding = 3;
};

/// A cell ends at its tab; what follows the last tab of a line belongs to no column. A column is a
/// run of lines that all have that cell: a line without it begins a new column.
std::string align_tabs(std::string_view text, const TabLayout& = {});

} // namespace kist::cli
