// SPDX-License-Identifier: Apache-2.0
// eq, ne, lt, le, gt and ge: values of different kinds are not comparable, signed and unsigned
// integers are.

#include <compare>
#include <utility>

#include "cli/format/functions.hh"
#include "cli/format/print.hh"

namespace kist::cli {
namespace {

enum class Kind { nothing, boolean, integer, floating, text, list, object };

Kind kind_of(const Ref& ref) {
    if (!ref || ref->is_null()) return Kind::nothing;
    if (ref->is_bool()) return Kind::boolean;
    if (ref->is_integer()) return Kind::integer;
    if (ref->is_double()) return Kind::floating;
    if (ref->is_string()) return Kind::text;
    return ref->is_list() ? Kind::list : Kind::object;
}

std::strong_ordering compare_integers(const Value& a, const Value& b) {
    if (a.is_signed() && b.is_signed()) return a.as_signed() <=> b.as_signed();
    if (a.is_unsigned() && b.is_unsigned()) return a.as_unsigned() <=> b.as_unsigned();
    if (a.is_signed())
        return std::cmp_less(a.as_signed(), b.as_unsigned())    ? std::strong_ordering::less
               : std::cmp_equal(a.as_signed(), b.as_unsigned()) ? std::strong_ordering::equal
                                                                : std::strong_ordering::greater;
    return 0 <=> compare_integers(b, a);
}

void require_comparable(const Ref& ref) {
    Kind kind = kind_of(ref);
    if (kind != Kind::list && kind != Kind::object) return;
    std::string shown;
    append_value(shown, ref.get());
    throw CallError("non-comparable type {}: {}", shown, type_name(ref.get()));
}

bool equal(const Ref& a, const Ref& b) {
    Kind kind = kind_of(a);
    if (kind == Kind::nothing || kind_of(b) == Kind::nothing) return kind == kind_of(b);
    if (kind != kind_of(b)) throw CallError("incompatible types for comparison");
    require_comparable(b);
    if (kind == Kind::integer) return compare_integers(*a, *b) == 0;
    return *a == *b;
}

std::partial_ordering order(const Ref& a, const Ref& b) {
    Kind kind = kind_of(a);
    if (kind != kind_of(b)) {
        bool orderable =
            kind != Kind::nothing && kind_of(b) != Kind::nothing && kind < Kind::list && kind_of(b) < Kind::list;
        throw CallError("{}", orderable ? "incompatible types for comparison" : "invalid type for comparison");
    }
    switch (kind) {
    case Kind::integer: return compare_integers(*a, *b);
    case Kind::floating: return a->as_double() <=> b->as_double();
    case Kind::text: return a->as_string().compare(b->as_string()) <=> 0;
    default: throw CallError("invalid type for comparison");
    }
}

} // namespace

Ref call_eq(Arguments arguments, Budget&) {
    if (arguments.size() == 1) throw CallError("missing argument for comparison");
    for (const Ref& other : arguments.subspan(1))
        if (equal(arguments[0], other)) return make_ref(true);
    return make_ref(false);
}
Ref call_ne(Arguments arguments, Budget&) { return make_ref(!equal(arguments[0], arguments[1])); }
Ref call_lt(Arguments arguments, Budget&) { return make_ref(order(arguments[0], arguments[1]) < 0); }
Ref call_le(Arguments arguments, Budget&) { return make_ref(order(arguments[0], arguments[1]) <= 0); }
Ref call_gt(Arguments arguments, Budget&) { return make_ref(order(arguments[0], arguments[1]) > 0); }
Ref call_ge(Arguments arguments, Budget&) { return make_ref(order(arguments[0], arguments[1]) >= 0); }

} // namespace kist::cli
