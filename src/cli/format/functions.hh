// SPDX-License-Identifier: Apache-2.0
// The functions of templates: Go's own, and those that docker and podman add.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hh"
#include "cli/format/template.hh"

namespace kist::cli {

/// A value during execution: part of the caller's data (not owned), or made by a function. Null is
/// Go's "no value".
using Ref = std::shared_ptr<const Value>;

inline Ref borrow(const Value& value) { return {std::shared_ptr<void>(), &value}; }
inline Ref make_ref(Value value) { return std::make_shared<const Value>(std::move(value)); }

/// What an execution has used of its limits.
class Budget {
public:
    explicit Budget(const TemplateLimits& limits) : limits_(limits) {}
    void iteration();
    /// For `bytes` that a function is about to make.
    void make(std::size_t bytes);
    void check_output(std::size_t bytes) const;
    const TemplateLimits& limits() const { return limits_; }

private:
    TemplateLimits limits_;
    std::uint64_t iterations_ = 0;
    std::uint64_t made_ = 0;
};

/// A text that a function made.
inline Ref made(std::string text, Budget& budget) {
    budget.make(text.size());
    return make_ref(std::move(text));
}

/// A function's refusal; the evaluator adds which call it was.
class CallError : public Error {
public:
    using Error::Error;
};
/// An argument of the wrong type; the evaluator points at it.
class ArgumentError : public Error {
public:
    template <typename... Args>
    ArgumentError(std::size_t argument, fmt::format_string<Args...> format, Args&&... args)
        : Error(format, std::forward<Args>(args)...), index(argument) {}
    const std::size_t index;
};

using Arguments = std::span<const Ref>;

enum class FunctionKind {
    plain,
    short_and, ///< and, or: the evaluator stops at the argument that decides
    short_or,
    keeps_heading, ///< gives its first argument back in the row of headings
};

struct Function {
    std::string_view name;
    FunctionKind kind;
    std::size_t least;
    std::size_t most; ///< `any_number` for no bound
    Ref (*call)(Arguments, Budget&);
};
inline constexpr std::size_t any_number = SIZE_MAX;

/// Null when there is none of that name.
const Function* find_function(std::string_view name);
std::vector<std::string> function_names();

/// Go's truth: false, 0, "", empty lists and objects and no value are false.
bool is_true(const Ref&);
/// Orders and equality; part of the table of functions.
Ref call_eq(Arguments, Budget&);
Ref call_ne(Arguments, Budget&);
Ref call_lt(Arguments, Budget&);
Ref call_le(Arguments, Budget&);
Ref call_gt(Arguments, Budget&);
Ref call_ge(Arguments, Budget&);

// Helpers of functions, in text_functions.cc.
const std::string& string_argument(Arguments, std::size_t index);
std::int64_t integer_argument(Arguments, std::size_t index);
Ref call_join(Arguments, Budget&);
Ref call_split(Arguments, Budget&);
Ref call_title(Arguments, Budget&);
Ref call_lower(Arguments, Budget&);
Ref call_upper(Arguments, Budget&);
Ref call_pad(Arguments, Budget&);
Ref call_truncate(Arguments, Budget&);
Ref call_html(Arguments, Budget&);
Ref call_js(Arguments, Budget&);
Ref call_urlquery(Arguments, Budget&);

} // namespace kist::cli
