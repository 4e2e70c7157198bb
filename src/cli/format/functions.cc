// SPDX-License-Identifier: Apache-2.0
// The table of template functions, and those on lists and objects: index, slice, len, json, print.

#include "cli/format/functions.hh"

#include <algorithm>
#include <array>

#include "base/json.hh"
#include "cli/format/print.hh"

namespace kist::cli {
namespace {

bool is_null(const Ref& ref) { return !ref || ref->is_null(); }

/// An element shares the owner of what it is in.
Ref inside(const Ref& owner, const Value& element) { return {owner, &element}; }

std::int64_t position_argument(const Ref& index, std::size_t limit) {
    if (is_null(index)) throw CallError("cannot index slice/array with nil");
    if (!index->is_integer()) throw CallError("cannot index slice/array with type {}", type_name(index.get()));
    bool fits =
        index->is_signed() && index->as_signed() >= 0 && static_cast<std::uint64_t>(index->as_signed()) <= limit;
    if (fits) return index->as_signed();
    std::string shown;
    append_value(shown, index.get());
    throw CallError("index out of range: {}", shown);
}

/// A missing name gives what Docker's typed maps give: an empty text in a map of texts, no value in
/// another.
Ref index_object(const Ref& item, const Ref& key) {
    if (is_null(key)) throw CallError("value is nil; should be of type string");
    if (!key->is_string()) throw CallError("value has type {}; should be string", type_name(key.get()));
    if (const Value* found = item->find(key->as_string())) return inside(item, *found);
    const Value::Object& members = item->as_object();
    bool texts = std::all_of(members.begin(), members.end(),
                             [](const Value::Member& member) { return member.second.is_string(); });
    return texts ? make_ref("") : nullptr;
}

Ref index_list(const Ref& item, const Ref& index) {
    const Value::List& list = item->as_list();
    std::int64_t at = position_argument(index, list.size());
    if (static_cast<std::size_t>(at) == list.size()) throw CallError("index out of range: {}", at);
    return inside(item, list[static_cast<std::size_t>(at)]);
}

Ref index_text(const Ref& item, const Ref& index) {
    const std::string& text = item->as_string();
    std::int64_t at = position_argument(index, text.size());
    if (static_cast<std::size_t>(at) == text.size()) throw CallError("index out of range: {}", at);
    return make_ref(static_cast<std::int64_t>(static_cast<unsigned char>(text[static_cast<std::size_t>(at)])));
}

Ref call_index(Arguments arguments, Budget&) {
    Ref item = arguments[0];
    for (const Ref& index : arguments.subspan(1)) {
        // Docker shows an empty map of labels as null; looking a name up in it is no mistake.
        if (item && item->is_null() && index && index->is_string()) {
            item = make_ref("");
            continue;
        }
        if (is_null(item)) throw CallError("index of untyped nil");
        if (item->is_object()) item = index_object(item, index);
        else if (item->is_list()) item = index_list(item, index);
        else if (item->is_string()) item = index_text(item, index);
        else throw CallError("can't index item of type {}", type_name(item.get()));
    }
    return item;
}

Ref call_slice(Arguments arguments, Budget& budget) {
    const Ref& item = arguments[0];
    if (is_null(item)) throw CallError("slice of untyped nil");
    std::size_t count = arguments.size() - 1;
    if (count > 3) throw CallError("too many slice indexes: {}", count);
    if (!item->is_string() && !item->is_list()) throw CallError("can't slice item of type {}", type_name(item.get()));
    if (item->is_string() && count == 3) throw CallError("cannot 3-index slice a string");
    std::size_t size = item->is_string() ? item->as_string().size() : item->as_list().size();
    std::array<std::size_t, 3> bounds{0, size, size};
    for (std::size_t i = 0; i < count; ++i)
        bounds[i] = static_cast<std::size_t>(position_argument(arguments[i + 1], size));
    if (bounds[0] > bounds[1]) throw CallError("invalid slice index: {} > {}", bounds[0], bounds[1]);
    if (bounds[1] > bounds[2]) throw CallError("invalid slice index: {} > {}", bounds[1], bounds[2]);
    if (count == 0) return item;
    if (item->is_string()) {
        budget.make(bounds[1] - bounds[0]);
        return make_ref(item->as_string().substr(bounds[0], bounds[1] - bounds[0]));
    }
    const Value::List& list = item->as_list();
    budget.make((bounds[1] - bounds[0]) * sizeof(Value));
    auto begin = list.begin();
    return make_ref(
        Value::List(begin + static_cast<std::ptrdiff_t>(bounds[0]), begin + static_cast<std::ptrdiff_t>(bounds[1])));
}

Ref call_len(Arguments arguments, Budget&) {
    const Ref& item = arguments[0];
    if (!item) throw CallError("len of nil pointer");
    std::size_t length = 0;
    if (item->is_string()) length = item->as_string().size();
    else if (item->is_list()) length = item->as_list().size();
    else if (item->is_object()) length = item->as_object().size();
    else if (!item->is_null()) // null is how JSON shows Docker's empty lists and maps
        throw CallError("len of type {}", type_name(item.get()));
    return make_ref(static_cast<std::int64_t>(length));
}

Ref call_not(Arguments arguments, Budget&) { return make_ref(!is_true(arguments[0])); }

Ref call_print(Arguments arguments, Budget& budget) { return made(sprint(arguments, budget), budget); }
Ref call_println(Arguments arguments, Budget& budget) { return made(sprintln(arguments, budget), budget); }
Ref call_printf(Arguments arguments, Budget& budget) {
    return make_ref(sprintf(string_argument(arguments, 0), arguments.subspan(1), budget));
}
Ref call_json(Arguments arguments, Budget& budget) {
    return made(arguments[0] ? json::dump(*arguments[0]) : "null", budget);
}

constexpr std::array functions{Function{"and", FunctionKind::short_and, 1, any_number, nullptr},
                               Function{"eq", FunctionKind::plain, 1, any_number, call_eq},
                               Function{"ge", FunctionKind::plain, 2, 2, call_ge},
                               Function{"gt", FunctionKind::plain, 2, 2, call_gt},
                               Function{"html", FunctionKind::plain, 0, any_number, call_html},
                               Function{"index", FunctionKind::keeps_heading, 1, any_number, call_index},
                               Function{"join", FunctionKind::keeps_heading, 2, 2, call_join},
                               Function{"js", FunctionKind::plain, 0, any_number, call_js},
                               Function{"json", FunctionKind::keeps_heading, 1, 1, call_json},
                               Function{"le", FunctionKind::plain, 2, 2, call_le},
                               Function{"len", FunctionKind::keeps_heading, 1, 1, call_len},
                               Function{"lower", FunctionKind::keeps_heading, 1, 1, call_lower},
                               Function{"lt", FunctionKind::plain, 2, 2, call_lt},
                               Function{"ne", FunctionKind::plain, 2, 2, call_ne},
                               Function{"not", FunctionKind::plain, 1, 1, call_not},
                               Function{"or", FunctionKind::short_or, 1, any_number, nullptr},
                               Function{"pad", FunctionKind::plain, 3, 3, call_pad},
                               Function{"print", FunctionKind::plain, 0, any_number, call_print},
                               Function{"printf", FunctionKind::plain, 1, any_number, call_printf},
                               Function{"println", FunctionKind::plain, 0, any_number, call_println},
                               Function{"slice", FunctionKind::keeps_heading, 1, any_number, call_slice},
                               Function{"split", FunctionKind::keeps_heading, 2, 2, call_split},
                               Function{"title", FunctionKind::keeps_heading, 1, 1, call_title},
                               Function{"truncate", FunctionKind::keeps_heading, 2, 2, call_truncate},
                               Function{"upper", FunctionKind::keeps_heading, 1, 1, call_upper},
                               Function{"urlquery", FunctionKind::plain, 0, any_number, call_urlquery}};

} // namespace

void Budget::iteration() {
    if (++iterations_ > limits_.iterations) throw CallError("more than {} rounds of range", limits_.iterations);
}

void Budget::make(std::size_t bytes) {
    made_ += bytes;
    if (bytes > limits_.output || made_ > limits_.intermediate)
        throw CallError("the template makes more text than is allowed");
}

void Budget::check_output(std::size_t bytes) const {
    if (bytes > limits_.output) throw CallError("the output is longer than {} bytes", limits_.output);
}

const Function* find_function(std::string_view name) {
    for (const Function& function : functions)
        if (function.name == name) return &function;
    return nullptr;
}

std::vector<std::string> function_names() {
    std::vector<std::string> names;
    for (const Function& function : functions) names.emplace_back(function.name);
    return names;
}

bool is_true(const Ref& ref) {
    if (is_null(ref)) return false;
    if (ref->is_bool()) return ref->as_bool();
    if (ref->is_signed()) return ref->as_signed() != 0;
    if (ref->is_unsigned()) return ref->as_unsigned() != 0;
    if (ref->is_double()) return ref->as_double() != 0;
    if (ref->is_string()) return !ref->as_string().empty();
    return ref->is_list() ? !ref->as_list().empty() : !ref->as_object().empty();
}

} // namespace kist::cli
