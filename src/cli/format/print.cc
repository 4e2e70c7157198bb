// SPDX-License-Identifier: Apache-2.0
// The plain forms: %v of any value, Sprint and Sprintln.

#include "cli/format/print.hh"

#include "cli/format/value_printer.hh"

namespace kist::cli {

std::string_view type_name(const Value* value) {
    if (value == nullptr || value->is_null()) return "<nil>";
    if (value->is_bool()) return "bool";
    if (value->is_signed()) return "int";
    if (value->is_unsigned()) return "uint64";
    if (value->is_double()) return "float64";
    if (value->is_string()) return "string";
    return value->is_list() ? "[]interface {}" : "map[string]interface {}";
}

void append_value(std::string& to, const Value* value) {
    if (value != nullptr && value->is_string()) {
        to += value->as_string();
        return;
    }
    append_formatted(to, value, {});
}

std::string sprint(Arguments arguments, const Budget& budget) {
    std::string text;
    bool before_string = true;
    for (const Ref& argument : arguments) {
        bool is_string = argument && argument->is_string();
        if (!before_string && !is_string) text += ' ';
        append_value(text, argument.get());
        budget.check_output(text.size());
        before_string = is_string;
    }
    return text;
}

std::string sprintln(Arguments arguments, const Budget& budget) {
    std::string text;
    for (const Ref& argument : arguments) {
        if (!text.empty() || &argument != arguments.data()) text += ' ';
        append_value(text, argument.get());
        budget.check_output(text.size());
    }
    return text + '\n';
}

} // namespace kist::cli
