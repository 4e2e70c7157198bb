// SPDX-License-Identifier: Apache-2.0
// The rules of Go's template execution, with JSON's kinds in place of Go's types. Recursion is
// bounded by the parser.

#include "cli/format/evaluator.hh"

#include <algorithm>

#include "base/text.hh"
#include "cli/format/functions.hh"
#include "cli/format/print.hh"
#include "cli/format/utf8.hh"

namespace kist::cli {
namespace {

enum class Flow { next, break_, continue_ };

/// Holds names that users chose rather than a fixed set of fields: there a missing name is no
/// mistake.
bool holds_user_names(const Value& object) {
    const Value::Object& members = object.as_object();
    return members.empty() || std::any_of(members.begin(), members.end(), [](const Value::Member& member) {
               return member.first.empty() || member.first[0] < 'A' || member.first[0] > 'Z';
           });
}

class Evaluator {
public:
    Evaluator(const Source& source, const ExecuteOptions& options)
        : source_(source), options_(options), budget_(options.limits) {}

    std::string run(const StatementList& list, const Value& data) {
        data_ = &data;
        Ref dot = borrow(data);
        variables_.push_back({"$", dot});
        statements(list, dot);
        return std::move(out_);
    }

private:
    struct Variable {
        std::string_view name;
        Ref value;
    };

    template <typename Part>
    [[noreturn]] void fail(const Part& at, std::string_view reason) const {
        source_.fail_execute(at.position, describe(at), reason);
    }

    // --- statements ---
    Flow statements(const StatementList& list, const Ref& dot) {
        for (const Statement& each : list.statements)
            if (Flow flow = statement(each, dot); flow != Flow::next) return flow;
        return Flow::next;
    }

    Flow statement(const Statement& it, const Ref& dot) {
        switch (it.kind) {
        case StatementKind::text: write(it, it.text); return Flow::next;
        case StatementKind::print: print(it, dot); return Flow::next;
        case StatementKind::break_: return Flow::break_;
        case StatementKind::continue_: return Flow::continue_;
        case StatementKind::range: return range(it, dot);
        case StatementKind::if_:
        case StatementKind::with: break;
        }
        std::size_t scope = variables_.size();
        Ref value = pipeline(it.pipeline, dot);
        Flow flow = is_true(value) ? statements(it.body, it.kind == StatementKind::with ? value : dot)
                                   : statements(it.otherwise, dot);
        variables_.resize(scope);
        return flow;
    }

    void print(const Statement& it, const Ref& dot) {
        Ref value = pipeline(it.pipeline, dot);
        if (!it.pipeline.variables.empty()) return;
        if (!value) return write(it, "<no value>");
        if (value->is_string()) return write(it, value->as_string());
        append_value(out_, value.get());
        write(it, "");
    }

    void write(const Statement& it, std::string_view text) {
        out_ += text;
        try {
            budget_.check_output(out_.size());
        } catch (const CallError& error) {
            source_.fail_execute(it.position, it.kind == StatementKind::text ? "text" : describe(it.pipeline),
                                 error.message());
        }
    }

    Flow range(const Statement& it, const Ref& dot) {
        std::size_t scope = variables_.size();
        Ref over = pipeline(it.pipeline, dot, Declares::no);
        bool any = false;
        Flow flow = Flow::next;
        auto round = [&](Value key, const Ref& element) {
            any = true;
            flow = one_round(it, std::move(key), element);
            return flow != Flow::break_;
        };
        if (over && over->is_list()) range_list(over, round);
        else if (over && over->is_object()) range_object(over, round);
        else if (over && over->is_integer()) range_integer(*over, round);
        else if (over && !over->is_null()) fail(it.pipeline, "range can't iterate over " + shown_value(over));
        variables_.resize(scope);
        if (any) return Flow::next;
        flow = statements(it.otherwise, dot);
        variables_.resize(scope);
        return flow;
    }
    static std::string shown_value(const Ref& value) {
        std::string text;
        append_value(text, value.get());
        return printable(text);
    }

    Flow one_round(const Statement& it, Value key, const Ref& element) {
        charge(it.pipeline, [&] { budget_.iteration(); });
        std::size_t scope = variables_.size();
        Ref value = is_null(element) ? nullptr : element;
        const std::vector<std::string_view>& names = it.pipeline.variables;
        if (names.size() == 2) bind(it.pipeline, names[0], make_ref(std::move(key)));
        if (!names.empty()) bind(it.pipeline, names.back(), value);
        Flow flow = statements(it.body, value);
        variables_.resize(scope);
        return flow;
    }
    template <typename Round>
    static void range_list(const Ref& over, const Round& round) {
        std::int64_t index = 0;
        for (const Value& item : over->as_list())
            if (!round(index++, Ref(over, &item))) return;
    }
    template <typename Round>
    static void range_object(const Ref& over, const Round& round) {
        std::vector<const Value::Member*> members;
        for (const Value::Member& member : over->as_object()) members.push_back(&member);
        std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->first < b->first; });
        for (const Value::Member* member : members)
            if (!round(member->first, Ref(over, &member->second))) return;
    }
    template <typename Round>
    static void range_integer(const Value& over, const Round& round) {
        std::uint64_t count = over.is_unsigned()
                                  ? over.as_unsigned()
                                  : static_cast<std::uint64_t>(std::max<std::int64_t>(0, over.as_signed()));
        for (std::uint64_t i = 0; i < count; ++i) {
            auto number = static_cast<std::int64_t>(i);
            if (!round(number, make_ref(number))) return;
        }
    }

    // --- variables ---
    void bind(const Pipeline& at, std::string_view name, Ref value) {
        if (at.assigns) variable(name) = std::move(value);
        else variables_.push_back({name, std::move(value)});
    }
    /// The parser has made sure that it exists.
    Ref& variable(std::string_view name) {
        return std::find_if(variables_.rbegin(), variables_.rend(),
                            [&](const Variable& each) { return each.name == name; })
            ->value;
    }

    // --- pipelines ---
    enum class Declares { yes, no };
    static bool is_null(const Ref& ref) { return !ref || ref->is_null(); }

    /// The value of the last command; null becomes no value, as an empty interface does in Go.
    Ref pipeline(const Pipeline& it, const Ref& dot, Declares declares = Declares::yes) {
        Ref value;
        const Ref* final = nullptr;
        for (const Command& each : it.commands) {
            Ref result = command(each, dot, final);
            value = is_null(result) && &each != &it.commands.back() ? result : std::move(result);
            final = &value;
        }
        if (is_null(value)) value = nullptr;
        if (declares == Declares::yes)
            for (std::string_view name : it.variables) bind(it, name, value);
        return value;
    }

    /// `final` is the value of the command before it in the pipeline; null for the first.
    Ref command(const Command& it, const Ref& dot, const Ref* final) {
        const Operand& first = it.operands.front();
        bool has_arguments = it.operands.size() > 1 || final != nullptr;
        if (first.kind == OperandKind::function && first.members.empty()) return call(it, dot, final);
        if (first.kind == OperandKind::nil) fail(it, "nil is not a command");
        if (has_arguments && first.members.empty())
            fail(first, "can't give argument to non-function " + describe(first));
        return operand(first, dot, has_arguments ? &it : nullptr, final);
    }

    /// A word by itself; `arguments` is the command whose further operands its last member gets,
    /// null for none.
    Ref operand(const Operand& it, const Ref& dot, const Command* arguments = nullptr, const Ref* final = nullptr) {
        switch (it.kind) {
        case OperandKind::nil: return nullptr;
        case OperandKind::constant: return borrow(it.constant);
        case OperandKind::dot: return members(it, dot, dot, arguments, final);
        case OperandKind::variable: return members(it, variable(it.text), dot, arguments, final);
        case OperandKind::parenthesised: return members(it, pipeline(*it.inner, dot), dot, arguments, final);
        case OperandKind::function: break;
        }
        check_count(it, *it.function, 0);
        return members(it, invoke(it, *it.function, {}, {}), dot, arguments, final);
    }

    // --- members ---
    Ref members(const Operand& it, Ref value, const Ref& dot, const Command* arguments, const Ref* final) {
        bool user_name = false; // a "no value" in this chain came from a name that users choose
        for (std::size_t i = 0; i < it.members.size(); ++i) {
            bool last = i + 1 == it.members.size();
            value = last && arguments != nullptr ? method(it, value, dot, *arguments, final)
                                                 : member(it, value, it.members[i], user_name);
        }
        return value;
    }

    Ref member(const Operand& it, const Ref& receiver, std::string_view name, bool& user_name) {
        if (!receiver) {
            if (options_.missing_key == MissingKey::error && !user_name)
                fail(it, "nil data; no entry for key " + go_quote(name));
            return nullptr;
        }
        if (receiver->is_null()) fail(it, fmt::format("nil pointer evaluating interface {{}}.{}", name));
        if (options_.headings && receiver->is_string()) return receiver;
        if (!receiver->is_object())
            fail(it, fmt::format("can't evaluate field {} in type {}", name, type_name(receiver.get())));
        if (const Value* found = receiver->find(name)) return {receiver, found};
        if (options_.missing_key == MissingKey::error && (receiver.get() == data_ || !holds_user_names(*receiver)))
            missing(it, *receiver, name);
        user_name = true;
        return nullptr;
    }
    [[noreturn]] void missing(const Operand& it, const Value& object, std::string_view name) const {
        std::vector<std::string> names;
        for (const Value::Member& member : object.as_object()) names.push_back(member.first);
        try {
            fail(it, "map has no entry for key " + go_quote(name));
        } catch (TemplateError& error) {
            std::vector<std::string> near = nearest(name, names);
            if (!near.empty()) error.with_hint(fmt::format("did you mean {}?", quoted_choice(near)));
            throw;
        }
    }

    /// `.Name argument…`: only the rows of lists have methods.
    Ref method(const Operand& it, const Ref& receiver, const Ref& dot, const Command& command, const Ref* final) {
        std::string_view name = it.members.back();
        if (receiver && options_.method) {
            std::vector<Value> arguments;
            for (const Ref& ref : evaluate_arguments(command, dot, final)) arguments.push_back(ref ? *ref : Value());
            if (std::optional<Value> result = options_.method(*receiver, name, arguments))
                return make_ref(std::move(*result));
        }
        if (!receiver || !receiver->is_object()) {
            bool user_name = false;
            return member(it, receiver, name, user_name);
        }
        fail(it, fmt::format("{} is not a method but has arguments", name));
    }

    // --- calls ---
    std::vector<Ref> evaluate_arguments(const Command& it, const Ref& dot, const Ref* final) {
        std::vector<Ref> values;
        for (std::size_t i = 1; i < it.operands.size(); ++i) values.push_back(operand(it.operands[i], dot));
        if (final != nullptr) values.push_back(*final);
        return values;
    }

    Ref call(const Command& it, const Ref& dot, const Ref* final) {
        const Function& function = *it.operands.front().function;
        std::size_t count = it.operands.size() - 1 + (final != nullptr);
        check_count(it.operands.front(), function, count);
        if (function.kind == FunctionKind::short_and || function.kind == FunctionKind::short_or)
            return decide(it, dot, final);
        return invoke(it, function, evaluate_arguments(it, dot, final), std::span(it.operands).subspan(1));
    }

    void check_count(const Operand& it, const Function& function, std::size_t count) const {
        if (count >= function.least && count <= function.most) return;
        std::string_view at_least = function.most == any_number ? "at least " : "";
        fail(it, fmt::format("wrong number of args for {}: want {}{} got {}", function.name, at_least, function.least,
                             count));
    }

    /// and, or: the arguments behind the one that decides are not evaluated.
    Ref decide(const Command& it, const Ref& dot, const Ref* final) {
        bool deciding = it.operands.front().function->kind == FunctionKind::short_or;
        Ref value;
        for (std::size_t i = 1; i < it.operands.size(); ++i) {
            value = operand(it.operands[i], dot);
            if (is_true(value) == deciding) return value;
        }
        return final != nullptr ? *final : value;
    }

    template <typename Part>
    Ref invoke(const Part& it, const Function& function, const std::vector<Ref>& arguments,
               std::span<const Operand> written) {
        if (options_.headings && function.kind == FunctionKind::keeps_heading) return arguments.front();
        try {
            return function.call(arguments, budget_);
        } catch (const ArgumentError& error) {
            if (error.index < written.size()) fail(written[error.index], error.message());
            fail(it, error.message());
        } catch (const CallError& error) {
            fail(it, fmt::format("error calling {}: {}", function.name, error.message()));
        }
    }

    template <typename Part, typename Spend>
    void charge(const Part& at, const Spend& spend) {
        try {
            spend();
        } catch (const CallError& error) {
            fail(at, error.message());
        }
    }

    const Source& source_;
    const ExecuteOptions& options_;
    const Value* data_ = nullptr; ///< its names are fields always
    Budget budget_;
    std::string out_;
    std::vector<Variable> variables_;
};

} // namespace

std::string evaluate(const Source& source, const StatementList& list, const Value& data,
                     const ExecuteOptions& options) {
    return Evaluator(source, options).run(list, data);
}

} // namespace kist::cli
