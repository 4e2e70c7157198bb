// SPDX-License-Identifier: Apache-2.0
// Cuts a template into tokens: literal text, and the words of its actions. Trim markers and
// comments end here.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "cli/format/source.hh"

namespace kist::cli {

enum class TokenKind {
    text,       ///< outside actions, already trimmed; never empty
    open,       ///< {{
    close,      ///< }}
    identifier, ///< keyword, function, true, false, nil
    field,      ///< .Name, the dot included
    dot,        ///< . alone
    variable,   ///< $name or $
    number,
    character,  ///< 'a', quotes included
    string,     ///< "a", quotes included
    raw_string, ///< `a`, quotes included
    pipe,
    left_paren,
    right_paren,
    comma,
    assign,  ///< =
    declare, ///< :=
    end,     ///< of the whole text
};

struct Token {
    TokenKind kind;
    std::string_view text;
    std::size_t position;
    bool after_space; ///< white space before it, inside an action: `.A .B` are two operands, `.A.B`
                      ///< one
};

/// The tokens of the whole text, the last one being `end`. They refer into it. Throws
/// TemplateError.
std::vector<Token> tokenize(const Source&);

/// For messages: the token's text in quotes, cut when long, as Go shows it.
std::string shown(const Token&);

} // namespace kist::cli
