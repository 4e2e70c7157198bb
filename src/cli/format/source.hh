// SPDX-License-Identifier: Apache-2.0
// The text of a template with its name: turns a byte offset into the line and column of an error.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cli/format/template.hh"

namespace kist::cli {

struct Source {
    std::string_view name;
    std::string_view text;
    std::size_t begin = 0; ///< of the template in the text

    struct Place {
        std::size_t line;
        std::size_t column;
    };
    Place place(std::size_t position) const;

    [[noreturn]] void fail_parse(std::size_t position, std::string_view reason) const;
    /// `what` is the part that was being evaluated, as describe() writes it.
    [[noreturn]] void fail_execute(std::size_t position, std::string_view what, std::string_view reason) const;
};

} // namespace kist::cli
