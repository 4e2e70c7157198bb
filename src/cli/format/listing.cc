// SPDX-License-Identifier: Apache-2.0
// Rows to text. In tables, control characters of values are written as \xNN: a name cannot move the
// cursor or break a line.

#include "cli/format/listing.hh"

#include <algorithm>

#include "base/json.hh"
#include "base/text.hh"
#include "cli/format/functions.hh"
#include "cli/format/print.hh"
#include "cli/format/tab_writer.hh"

namespace kist::cli {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

bool is_clean(const Value& value) {
    if (value.is_string()) return std::none_of(value.as_string().begin(), value.as_string().end(), is_control);
    if (value.is_list()) return std::all_of(value.as_list().begin(), value.as_list().end(), is_clean);
    if (!value.is_object()) return true;
    return std::all_of(value.as_object().begin(), value.as_object().end(),
                       [](const Value::Member& member) { return is_clean(member.second); });
}

std::string clean_text(const std::string& text) {
    std::string result;
    for (char c : text) {
        if (is_control(c)) result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        else result += c;
    }
    return result;
}

/// A copy without control characters in its texts.
Value cleaned(const Value& value) {
    if (value.is_string()) return clean_text(value.as_string());
    if (value.is_list()) {
        Value::List items;
        for (const Value& item : value.as_list()) items.push_back(cleaned(item));
        return items;
    }
    if (!value.is_object()) return value;
    Value::Object members;
    for (const auto& [name, member] : value.as_object()) members.emplace_back(name, cleaned(member));
    return members;
}

std::string cell(const Value* value) {
    std::string text;
    if (value != nullptr && !value->is_null()) append_value(text, value);
    return std::any_of(text.begin(), text.end(), is_control) ? clean_text(text) : text;
}

/// "table" alone, or before a blank, an escape or an action.
bool wants_table(std::string_view format) {
    constexpr std::string_view word = "table";
    if (!format.starts_with(word)) return false;
    return format.size() == word.size() ||
           std::string_view(" \t\\{").find(format[word.size()]) != std::string_view::npos;
}

/// "com.example.my-key" gives "my key", as the heading of `.Label "com.example.my-key"` in Docker's
/// tables.
std::string label_heading(std::string_view label) {
    std::string heading(label.substr(label.rfind('.') + 1));
    for (char& c : heading)
        if (c == '-' || c == '_') c = ' ';
    return heading;
}

const std::string* only_text(const std::vector<Value>& arguments) {
    return arguments.size() == 1 && arguments[0].is_string() ? &arguments[0].as_string() : nullptr;
}

/// `.Label "key"` of a row: empty when it has none of that name.
TemplateMethod label_method(const Row& row) {
    return [&row](const Value& receiver, std::string_view name, const std::vector<Value>& arguments) {
        std::optional<Value> result;
        const std::string* key = only_text(arguments);
        if (&receiver != &row.fields || name != "Label" || key == nullptr) return result;
        const Value* found = row.labels.find(*key);
        result = found != nullptr ? *found : Value("");
        return result;
    };
}

std::optional<Value> heading_method(const Value&, std::string_view name, const std::vector<Value>& arguments) {
    const std::string* key = only_text(arguments);
    if (name != "Label" || key == nullptr) return std::nullopt;
    return Value(label_heading(*key));
}

} // namespace

Listing::Listing(std::string_view command, std::span<const Column> columns, ListingOptions options)
    : columns_(columns.begin(), columns.end()), options_(std::move(options)) {
    for (const Column& change : options_.changes) {
        auto same = std::find_if(columns_.begin(), columns_.end(),
                                 [&](const Column& column) { return column.field == change.field; });
        if (same != columns_.end()) *same = change;
        else columns_.push_back(change);
    }
    choose(command);
    if (template_ && !template_->ranges_over_dot()) check_fields(command);
}

void Listing::choose(std::string_view command) {
    std::string_view format = options_.format ? std::string_view(*options_.format) : std::string_view();
    bool default_table = format.empty() || trim(format) == "table";
    if (format == "json") {
        form_ = Form::json;
    } else if (options_.quiet) {
        form_ = Form::quiet;
    } else if (default_table) {
        form_ = Form::default_table;
    } else if (wants_table(format)) {
        form_ = Form::table;
        std::size_t begin = std::min(format.find_first_not_of(' ', 5), format.size());
        std::size_t end = format.find_last_not_of(' ') + 1;
        template_ =
            Template::parse(format.substr(0, end),
                            {.name = command, .escapes_in_text = true, .blanks_become_tabs = true, .begin = begin});
    } else {
        form_ = Form::lines;
        template_ = Template::parse(format, {.name = command, .escapes_in_text = true});
    }
}

void Listing::check_fields(std::string_view command) const {
    std::vector<std::string> names;
    for (const Column& column : columns_) names.push_back("." + std::string(column.field));
    for (const RootField& field : template_->root_fields()) {
        std::string name = "." + field.name;
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        if (field.has_arguments && field.name == "Label") continue;
        TemplateError error(fmt::format("template: {}:{}:{}: no field '{}'", command, field.line, field.column, name),
                            field.line, field.column, ExitCode::engine);
        std::vector<std::string> near = nearest(name, names);
        error.with_hint(near.empty() ? "the fields are " + join(names, " ")
                                     : fmt::format("did you mean {}?", quoted_choice(near)));
        throw error;
    }
}

bool Listing::needs(std::string_view field) const {
    auto is_it = [&](const auto& named) { return named.field == field; };
    switch (form_) {
    case Form::json: return true;
    case Form::quiet: return field == options_.quiet_field;
    case Form::default_table: {
        auto found = std::find_if(columns_.begin(), columns_.end(), is_it);
        return found != columns_.end() && found->in_table;
    }
    case Form::table:
    case Form::lines: break;
    }
    if (template_->uses_everything() || template_->ranges_over_dot()) return true;
    const std::vector<RootField>& used = template_->root_fields();
    return std::any_of(used.begin(), used.end(), [&](const RootField& each) { return each.name == field; });
}

std::string Listing::render(const std::vector<Row>& rows) const {
    switch (form_) {
    case Form::default_table: return render_default(rows);
    case Form::json: return render_json(rows);
    case Form::quiet: return render_quiet(rows);
    case Form::table: return render_table(rows);
    case Form::lines: break;
    }
    return render_lines(rows);
}

std::string Listing::render_default(const std::vector<Row>& rows) const {
    std::string text;
    auto line = [&](auto&& cell_of) {
        bool first = true;
        for (const Column& column : columns_) {
            if (!column.in_table) continue;
            if (!first) text += '\t';
            first = false;
            text += cell_of(column);
        }
        text += '\n';
    };
    if (!options_.no_heading) line([](const Column& column) { return column.heading; });
    for (const Row& row : rows) line([&](const Column& column) { return cell(row.fields.find(column.field)); });
    return align_tabs(text);
}

std::string Listing::render_json(const std::vector<Row>& rows) const {
    Value list = Value::list();
    for (const Row& row : rows) list.push(row.json.is_null() ? row.fields : row.json);
    return json::dump_pretty(list, 2) + "\n";
}

std::string Listing::render_quiet(const std::vector<Row>& rows) const {
    std::string text;
    for (const Row& row : rows) text += cell(row.fields.find(options_.quiet_field)) + "\n";
    return text;
}

std::string Listing::render_table(const std::vector<Row>& rows) const {
    std::string text;
    if (!options_.no_heading) text = heading_line() + "\n";
    for (const Row& row : rows) {
        if (is_clean(row.fields) && is_clean(row.labels)) {
            text += template_->execute(row.fields, {.method = label_method(row)}) + "\n";
            continue;
        }
        Row clean{.fields = cleaned(row.fields), .labels = cleaned(row.labels)};
        text += template_->execute(clean.fields, {.method = label_method(clean)}) + "\n";
    }
    return align_tabs(text);
}

/// The template itself makes it, from an object that gives every field's heading.
std::string Listing::heading_line() const {
    Value headings = Value::object();
    for (const Column& column : columns_) headings.set(std::string(column.field), column.heading);
    try {
        return template_->execute(headings, {.headings = true, .method = heading_method});
    } catch (const TemplateError&) { // it needs more than names, as `{{range .Mounts}}` does
    }
    std::vector<std::string> names;
    for (const RootField& field : template_->root_fields())
        if (const Value* heading = headings.find(field.name)) names.push_back(heading->as_string());
    return join(names, "\t");
}

std::string Listing::render_lines(const std::vector<Row>& rows) const {
    if (template_->ranges_over_dot()) {
        Value list = Value::list();
        for (const Row& row : rows) list.push(row.fields);
        return template_->execute(list);
    }
    std::string text;
    for (const Row& row : rows) {
        text += template_->execute(row.fields, {.method = label_method(row)});
        if (!template_->ends_with_newline()) text += '\n';
    }
    return text;
}

} // namespace kist::cli
