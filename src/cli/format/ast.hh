// SPDX-License-Identifier: Apache-2.0
// What a template's text means: statements that hold pipelines of commands of operands.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hh"

namespace kist::cli {

struct Function;
struct Pipeline;

enum class OperandKind { dot, nil, constant, variable, function, parenthesised };

/// One word of a command, with the members taken from it: `.A.B` is dot with {A, B}, `(index .
/// 0).C` has {C}.
struct Operand {
    OperandKind kind = OperandKind::dot;
    std::size_t position = 0; ///< where errors point: with several members, as in Go, at the second
    std::string_view text;    ///< of a constant or function: as written; of a variable: its name with the $
    std::vector<std::string_view> members;
    Value constant = {};
    const Function* function = nullptr;
    std::unique_ptr<Pipeline> inner = nullptr;
};

struct Command {
    std::size_t position = 0;
    std::vector<Operand> operands;
};

struct Pipeline {
    std::size_t position = 0;
    std::vector<std::string_view> variables; ///< `$x :=`; a range may have two
    bool assigns = false;                    ///< `$x =`: the variable exists already
    std::vector<Command> commands;
};

enum class StatementKind { text, print, if_, with, range, break_, continue_ };

struct Statement;
struct StatementList {
    std::vector<Statement> statements;
};

struct Statement {
    StatementKind kind = StatementKind::text;
    std::size_t position = 0;
    std::string text = {}; ///< of `text`
    Pipeline pipeline = {};
    StatementList body = {};
    StatementList otherwise = {}; ///< after else; `{{else if}}` is an if in here
};

/// The source form, with blanks as Go prints them: what an error message shows between < and >.
std::string describe(const Operand&);
std::string describe(const Command&);
std::string describe(const Pipeline&);

} // namespace kist::cli
