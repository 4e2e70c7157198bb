// SPDX-License-Identifier: Apache-2.0
// A template owns its text, which its parts refer into; so it is moved by pointer only.

#include "cli/format/template.hh"

#include "cli/format/ast.hh"
#include "cli/format/evaluator.hh"
#include "cli/format/parser.hh"

namespace kist::cli {
namespace {

constexpr std::size_t longest_text = 64 * 1024;

} // namespace

struct Template::Parts {
    std::string name;
    std::string text;
    std::size_t begin = 0;
    ParsedTemplate parsed;

    Source source() const { return {name, text, begin}; }
};

Template::Template() : parts_(std::make_unique<Parts>()) {}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

Template Template::parse(std::string_view text, const ParseOptions& options) {
    if (text.size() > longest_text)
        throw TemplateError(fmt::format("template: {}: the text is longer than {} bytes", options.name, longest_text),
                            1, 0, ExitCode::engine);
    Template result;
    Parts& parts = *result.parts_;
    parts.name = options.name;
    parts.text = text;
    parts.begin = options.begin;
    parts.parsed = parse_template(parts.source(), options);
    return result;
}

std::string Template::execute(const Value& data, const ExecuteOptions& options) const {
    return evaluate(parts_->source(), parts_->parsed.statements, data, options);
}

const std::vector<RootField>& Template::root_fields() const { return parts_->parsed.root_fields; }
bool Template::uses_everything() const { return parts_->parsed.uses_everything; }

bool Template::ranges_over_dot() const {
    const std::vector<Statement>& statements = parts_->parsed.statements.statements;
    if (statements.empty() || statements.front().kind != StatementKind::range) return false;
    const std::vector<Command>& commands = statements.front().pipeline.commands;
    if (commands.size() != 1 || commands.front().operands.size() != 1) return false;
    const Operand& only = commands.front().operands.front();
    return only.kind == OperandKind::dot && only.members.empty();
}

bool Template::ends_with_newline() const {
    const std::vector<Statement>& statements = parts_->parsed.statements.statements;
    return !statements.empty() && statements.back().kind == StatementKind::text &&
           statements.back().text.ends_with('\n');
}

} // namespace kist::cli
