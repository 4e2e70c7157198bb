// SPDX-License-Identifier: Apache-2.0
// What ps, images, volume ls and their like share: a table by default, and everything that
// --format, --quiet and
// --noheading can make of the same rows.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hh"
#include "cli/format/template.hh"

namespace kist::cli {

/// A placeholder of a command: its field in the rows, and its heading in tables.
struct Column {
    std::string_view field;
    std::string_view heading;
    bool in_table = false; ///< shown when there is no --format, in the order of the columns
};

struct Row {
    Value fields = {}; ///< an object with a member for every column that needs() asks for
    Value labels = {}; ///< an object: what `.Label "key"` looks in
    Value json = {};   ///< what `--format json` prints for it; null: its fields
};

struct ListingOptions {
    /// --format: nothing or "table" (default table), "json" (one array, as Podman's), "table
    /// TEMPLATE" or a template that makes one line of each row (`{{json .}}`: one object a line, as
    /// Docker's).
    std::optional<std::string> format = {};
    bool quiet = false; ///< only `quiet_field`, one a line; wins over templates, not over json
    bool no_heading = false;
    std::string_view quiet_field = "ID";
    /// Columns that an option adds to the default table (--size, --digests), or takes from it with
    /// `in_table` false.
    std::vector<Column> changes = {};
};

class Listing {
public:
    /// Throws TemplateError: a text that does not parse, or a field that no row has, whether there
    /// are rows or not. `command` is named in it; `columns` must outlive the listing.
    Listing(std::string_view command, std::span<const Column> columns, ListingOptions);

    /// Whether the rows must have this field: so that a size is only computed where it is shown.
    bool needs(std::string_view field) const;

    /// The whole output, new line included.
    std::string render(const std::vector<Row>&) const;

private:
    enum class Form { default_table, json, quiet, table, lines };
    void choose(std::string_view command);
    void check_fields(std::string_view command) const;
    std::string render_default(const std::vector<Row>&) const;
    std::string render_json(const std::vector<Row>&) const;
    std::string render_quiet(const std::vector<Row>&) const;
    std::string render_table(const std::vector<Row>&) const;
    std::string render_lines(const std::vector<Row>&) const;
    std::string heading_line() const;

    std::vector<Column> columns_;
    ListingOptions options_;
    Form form_ = Form::default_table;
    std::optional<Template> template_;
};

} // namespace kist::cli
