// SPDX-License-Identifier: Apache-2.0
// Recursive descent over the tokens; depth is bounded, so a hostile text cannot exhaust the stack.

#include "cli/format/parser.hh"

#include <algorithm>

#include "base/text.hh"
#include "cli/format/constants.hh"
#include "cli/format/functions.hh"
#include "cli/format/lexer.hh"
#include "cli/format/utf8.hh"

namespace kist::cli {
namespace {

constexpr std::size_t max_depth = 100;

/// What ended a list of statements.
enum class Ending { end, otherwise, text };

class Parser {
public:
    Parser(const Source& source, const ParseOptions& options)
        : source_(source), options_(options), tokens_(tokenize(source)) {}

    ParsedTemplate run() {
        Ending ending = list(parsed_.statements);
        if (ending != Ending::text) {
            const Token& word = tokens_[next_ - 1];
            fail(word, fmt::format("unexpected {{{{{}}}}}", word.text));
        }
        return std::move(parsed_);
    }

private:
    // --- tokens ---
    const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(next_ + ahead, tokens_.size() - 1)]; }
    const Token& take() {
        const Token& token = peek();
        if (next_ + 1 < tokens_.size()) ++next_;
        return token;
    }
    [[noreturn]] void fail(const Token& at, std::string_view reason) const { source_.fail_parse(at.position, reason); }
    [[noreturn]] void unexpected(const Token& token, std::string_view context) const {
        fail(token, fmt::format("unexpected {} in {}", shown(token), context));
    }
    void close(std::string_view context) {
        if (const Token& token = take(); token.kind != TokenKind::close) unexpected(token, context);
    }

    /// Counts nesting while it lives.
    struct Deeper {
        Deeper(Parser& owner, const Token& at) : parser(owner) {
            if (++parser.depth_ > max_depth) parser.fail(at, "nested more than 100 deep");
        }
        ~Deeper() { --parser.depth_; }
        Deeper(const Deeper&) = delete;
        Deeper& operator=(const Deeper&) = delete;
        Parser& parser;
    };

    // --- statements ---
    Ending list(StatementList& into) {
        for (;;) {
            const Token& token = take();
            if (token.kind == TokenKind::end) return Ending::text;
            if (token.kind == TokenKind::text) {
                into.statements.push_back(
                    {.kind = StatementKind::text, .position = token.position, .text = literal(token.text)});
                continue;
            }
            const Token& word = peek();
            if (word.kind == TokenKind::identifier && (word.text == "end" || word.text == "else")) {
                take();
                return word.text == "end" ? Ending::end : Ending::otherwise;
            }
            into.statements.push_back(action(token));
        }
    }

    std::string literal(std::string_view text) const {
        std::string result;
        for (std::size_t i = 0; i < text.size(); ++i) {
            char c = text[i];
            bool escape = options_.escapes_in_text && c == '\\' && i + 1 < text.size();
            if (escape && (text[i + 1] == 't' || text[i + 1] == 'n')) {
                result += text[++i] == 't' ? '\t' : '\n';
            } else if (options_.blanks_become_tabs && depth_ == 0 && c == ' ') {
                if (i == 0 || text[i - 1] != ' ') result += '\t';
            } else {
                result += c;
            }
        }
        return result;
    }

    Statement action(const Token& open) {
        const Token& word = peek();
        if (word.kind == TokenKind::identifier) {
            std::string_view name = word.text;
            if (name == "if") return control(StatementKind::if_, take());
            if (name == "with") return control(StatementKind::with, take());
            if (name == "range") return control(StatementKind::range, take());
            if (name == "break" || name == "continue") return jump(take());
            if (name == "define" || name == "template" || name == "block")
                fail(word, fmt::format("{{{{{}}}}} is not supported", name));
        }
        Statement statement{.kind = StatementKind::print, .position = open.position};
        statement.pipeline = pipeline("command", TokenKind::close);
        take();
        return statement;
    }

    Statement jump(const Token& word) {
        std::string name = fmt::format("{{{{{}}}}}", word.text);
        if (const Token& token = peek(); token.kind != TokenKind::close) unexpected(token, name);
        take();
        if (range_depth_ == 0) fail(word, name + " outside {{range}}");
        return {.kind = word.text == "break" ? StatementKind::break_ : StatementKind::continue_,
                .position = word.position};
    }

    /// if, with and range, up to their end. `{{else if}}` is parsed as `{{else}}{{if}}` that shares
    /// the end.
    Statement control(StatementKind kind, const Token& word) {
        Deeper deeper(*this, word);
        std::size_t scope = variables_.size();
        Statement statement{.kind = kind, .position = word.position};
        statement.pipeline = pipeline(word.text, TokenKind::close);
        take();
        bool moves_dot = kind != StatementKind::if_;
        range_depth_ += kind == StatementKind::range;
        dot_moved_ += moves_dot;
        Ending ending = list(statement.body);
        dot_moved_ -= moves_dot;
        range_depth_ -= kind == StatementKind::range;
        if (ending == Ending::otherwise) {
            if (!chained(kind, statement.otherwise)) {
                close("else");
                ending = list(statement.otherwise);
                if (ending == Ending::otherwise) fail(tokens_[next_ - 1], "expected end; found {{else}}");
                finish(ending, word);
            }
        } else {
            finish(ending, word);
        }
        variables_.resize(scope);
        return statement;
    }
    /// The end of a block, after its "end" was read.
    void finish(Ending ending, const Token& word) {
        if (ending == Ending::text)
            fail(peek(), fmt::format("unexpected EOF: {{{{{}}}}} has no {{{{end}}}}", word.text));
        close("end");
    }
    bool chained(StatementKind kind, StatementList& into) {
        const Token& word = peek();
        if (word.kind != TokenKind::identifier) return false;
        bool fits =
            (kind == StatementKind::if_ && word.text == "if") || (kind == StatementKind::with && word.text == "with");
        if (!fits) return false;
        into.statements.push_back(control(kind, take()));
        return true;
    }

    // --- pipelines ---
    Pipeline pipeline(std::string_view context, TokenKind stop) {
        Pipeline result;
        result.position = peek().position;
        declarations(result, context);
        for (;;) {
            const Token& token = peek();
            if (token.kind == stop) break;
            if (token.kind == TokenKind::pipe) unexpected(token, context);
            result.commands.push_back(command(context));
            if (peek().kind != TokenKind::pipe) continue;
            take();
            if (peek().kind == stop) fail(peek(), fmt::format("missing value for {}", context));
        }
        if (result.commands.empty()) fail(peek(), fmt::format("missing value for {}", context));
        check_stages(result);
        if (!result.assigns)
            for (std::string_view name : result.variables) variables_.push_back(name);
        return result;
    }

    void declarations(Pipeline& into, std::string_view context) {
        if (peek().kind != TokenKind::variable) return;
        std::size_t count = 1;
        if (peek(1).kind == TokenKind::comma && context == "range") {
            if (peek(2).kind != TokenKind::variable) fail(peek(2), "range can only initialize variables");
            count = 2;
        }
        const Token& mark = peek(2 * count - 1);
        if (mark.kind == TokenKind::comma) fail(mark, fmt::format("too many declarations in {}", context));
        if (mark.kind != TokenKind::declare && mark.kind != TokenKind::assign) return;
        into.assigns = mark.kind == TokenKind::assign;
        for (std::size_t i = 0; i < count; ++i) {
            const Token& name = take();
            if (into.assigns) require_variable(name);
            into.variables.push_back(name.text);
            take();
        }
    }

    /// Only what can take an argument may stand behind a "|".
    void check_stages(const Pipeline& pipeline) const {
        for (std::size_t i = 1; i < pipeline.commands.size(); ++i) {
            const Operand& first = pipeline.commands[i].operands.front();
            bool plain_dot = first.kind == OperandKind::dot && first.members.empty();
            if (first.kind == OperandKind::constant || first.kind == OperandKind::nil || plain_dot)
                source_.fail_parse(first.position, fmt::format("non executable command in pipeline stage {}", i + 1));
        }
    }

    Command command(std::string_view context) {
        Command result{.position = peek().position, .operands = {}};
        for (;;) {
            const Token& token = peek();
            switch (token.kind) {
            case TokenKind::close:
            case TokenKind::right_paren:
            case TokenKind::pipe:
                if (token.kind == TokenKind::right_paren && parens_ == 0) fail(token, "unexpected right paren");
                if (token.kind == TokenKind::close && parens_ > 0) fail(token, "unclosed left paren");
                if (result.operands.empty()) unexpected(token, context);
                return result;
            default: break;
            }
            if (!result.operands.empty() && !token.after_space) unexpected(token, "operand");
            result.operands.push_back(operand(result.operands.empty() ? context : "operand"));
            note_use(result.operands.back());
        }
    }

    // --- operands ---
    Operand operand(std::string_view context) {
        const Token& token = take();
        Operand result{.position = token.position, .text = token.text, .members = {}};
        switch (token.kind) {
        case TokenKind::dot: break;
        case TokenKind::field: result.members.push_back(token.text.substr(1)); break;
        case TokenKind::variable:
            require_variable(token);
            result.kind = OperandKind::variable;
            break;
        case TokenKind::identifier: word(token, result); break;
        case TokenKind::number:
        case TokenKind::character:
        case TokenKind::string:
        case TokenKind::raw_string: {
            result.kind = OperandKind::constant;
            Constant constant = read_constant(token);
            if (!constant.problem.empty()) fail(token, constant.problem);
            result.constant = std::move(constant.value);
            break;
        }
        case TokenKind::left_paren: parenthesised(token, result); break;
        default: unexpected(token, context);
        }
        members(result);
        return result;
    }

    void word(const Token& token, Operand& result) const {
        if (token.text == "true" || token.text == "false") {
            result.kind = OperandKind::constant;
            result.constant = token.text == "true";
        } else if (token.text == "nil") {
            result.kind = OperandKind::nil;
        } else {
            result.kind = OperandKind::function;
            result.function = find_function(token.text);
            if (result.function == nullptr) unknown_function(token);
        }
    }
    [[noreturn]] void unknown_function(const Token& token) const {
        std::string reason = fmt::format("function {} not defined", go_quote(token.text));
        std::vector<std::string> names = function_names();
        std::vector<std::string> near = nearest(token.text, names);
        if (!near.empty()) reason += fmt::format(" (did you mean {}?)", quoted_choice(near));
        fail(token, reason);
    }

    void parenthesised(const Token& open, Operand& result) {
        Deeper deeper(*this, open);
        ++parens_;
        result.kind = OperandKind::parenthesised;
        result.inner = std::make_unique<Pipeline>(pipeline("parenthesized pipeline", TokenKind::right_paren));
        take();
        --parens_;
    }

    void members(Operand& result) {
        bool first = true;
        while (peek().kind == TokenKind::field && !peek().after_space) {
            if (result.kind == OperandKind::constant || result.kind == OperandKind::nil ||
                (result.kind == OperandKind::dot && result.members.empty()))
                fail(peek(), fmt::format("unexpected . after term {}", go_quote(describe(result))));
            const Token& token = take();
            if (first) result.position = token.position;
            first = false;
            result.members.push_back(token.text.substr(1));
        }
        if (peek().kind == TokenKind::dot && !peek().after_space) unexpected(peek(), "operand");
    }

    void require_variable(const Token& token) const {
        bool known =
            token.text == "$" || std::find(variables_.begin(), variables_.end(), token.text) != variables_.end();
        if (!known) fail(token, fmt::format("undefined variable {}", go_quote(token.text)));
    }

    /// Notes which members of the data are used, for callers that compute only those.
    void note_use(const Operand& operand) {
        bool at_root = (operand.kind == OperandKind::dot && dot_moved_ == 0) ||
                       (operand.kind == OperandKind::variable && operand.text == "$");
        if (!at_root) return;
        if (operand.members.empty()) {
            parsed_.uses_everything = true;
            return;
        }
        Source::Place place = source_.place(operand.position);
        parsed_.root_fields.push_back({std::string(operand.members.front()), place.line, place.column,
                                       peek().kind != TokenKind::close && peek().kind != TokenKind::pipe &&
                                           peek().kind != TokenKind::right_paren});
    }

    const Source& source_;
    const ParseOptions& options_;
    std::vector<Token> tokens_;
    std::size_t next_ = 0;
    std::size_t depth_ = 0;
    std::size_t range_depth_ = 0;
    std::size_t dot_moved_ = 0;
    std::size_t parens_ = 0;
    std::vector<std::string_view> variables_;
    ParsedTemplate parsed_;
};

} // namespace

ParsedTemplate parse_template(const Source& source, const ParseOptions& options) {
    return Parser(source, options).run();
}

} // namespace kist::cli
