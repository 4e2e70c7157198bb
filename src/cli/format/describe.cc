// SPDX-License-Identifier: Apache-2.0
// Writes parts of a template back as text, for error messages.

#include "cli/format/ast.hh"

namespace kist::cli {

std::string describe(const Operand& operand) {
    std::string text;
    switch (operand.kind) {
    case OperandKind::dot: text = operand.members.empty() ? "." : ""; break;
    case OperandKind::nil: text = "nil"; break;
    case OperandKind::parenthesised: text = "(" + describe(*operand.inner) + ")"; break;
    case OperandKind::constant:
    case OperandKind::variable:
    case OperandKind::function: text = operand.text; break;
    }
    for (std::string_view member : operand.members) {
        text += '.';
        text += member;
    }
    return text;
}

std::string describe(const Command& command) {
    std::string text;
    for (const Operand& operand : command.operands) {
        if (!text.empty()) text += ' ';
        text += describe(operand);
    }
    return text;
}

std::string describe(const Pipeline& pipeline) {
    std::string text;
    for (std::string_view variable : pipeline.variables) {
        if (!text.empty()) text += ", ";
        text += variable;
    }
    if (!text.empty()) text += pipeline.assigns ? " = " : " := ";
    bool first = true;
    for (const Command& command : pipeline.commands) {
        if (!first) text += " | ";
        first = false;
        text += describe(command);
    }
    return text;
}

} // namespace kist::cli
