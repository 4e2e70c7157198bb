// SPDX-License-Identifier: Apache-2.0
// Every form that --format, --quiet and --noheading can give a list.

#include "cli/format/listing.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist;
using namespace kist::cli;

namespace {

constexpr Column columns[] = {
    {"ID", "CONTAINER ID", true}, {"Names", "NAMES", true}, {"Status", "STATUS", true}, {"Size", "SIZE"},
    {"Labels", "LABELS"},
};

Row row(std::string_view id, std::string_view name) {
    return {
        .fields =
            Value::Object{
                {"ID", id}, {"Names", name}, {"Status", "Up 3 seconds"}, {"Size", "1kB"}, {"Labels", "com.x.my-key=v"}},
        .labels = Value::Object{{"com.x.my-key", "v"}}};
}

const std::vector<Row> rows = {row("0123456789ab", "web"), row("ba9876543210", "a_longer_name")};

std::string listed(ListingOptions options, const std::vector<Row>& from = rows) {
    return Listing("ps", columns, std::move(options)).render(from);
}
std::string formatted(const char* format) { return listed({.format = format}); }

std::string refused(const char* format) {
    try {
        return "no failure, but: " + formatted(format);
    } catch (const TemplateError& error) {
        CHECK(error.exit_code() == ExitCode::engine);
        return error.message() + " / " + error.hint();
    }
}

} // namespace

TEST_CASE("without a format a list is a table of the default columns") {
    const std::string table =
        "CONTAINER ID   NAMES           STATUS\n"
        "0123456789ab   web             Up 3 seconds\n"
        "ba9876543210   a_longer_name   Up 3 seconds\n";
    CHECK(listed({}) == table);
    CHECK(formatted("table") == table);
    CHECK(formatted("") == table);
    CHECK(listed({.no_heading = true}) ==
          "0123456789ab   web             Up 3 seconds\n"
          "ba9876543210   a_longer_name   Up 3 seconds\n");
    CHECK(listed({}, {}) == "CONTAINER ID   NAMES     STATUS\n");
    CHECK(listed({.no_heading = true}, {}).empty());
}

TEST_CASE("an option can add a column to the default table") {
    CHECK(listed({.changes = {{"Size", "SIZE", true}, {"Status", "STATUS", false}}}, {rows[0]}) ==
          "CONTAINER ID   NAMES     SIZE\n0123456789ab   web       1kB\n");
}

TEST_CASE("quiet prints the ids alone, whatever the template") {
    CHECK(listed({.quiet = true}) == "0123456789ab\nba9876543210\n");
    CHECK(listed({.format = "{{.Names}}", .quiet = true}) == "0123456789ab\nba9876543210\n");
    CHECK(listed({.quiet = true, .quiet_field = "Names"}) == "web\na_longer_name\n");
    CHECK(listed({.quiet = true}, {}).empty());
}

TEST_CASE("a table template gets its headings from the fields it shows") {
    CHECK(formatted(R"(table {{.ID}}\t{{.Names}})") ==
          "CONTAINER ID   NAMES\n"
          "0123456789ab   web\n"
          "ba9876543210   a_longer_name\n");
    CHECK(formatted("table {{.ID}} {{.Names}}") == formatted(R"(table {{.ID}}\t{{.Names}})"));
    CHECK(formatted("table{{.ID}}") == "CONTAINER ID\n0123456789ab\nba9876543210\n");
    CHECK(formatted("table {{upper .Names}}") == "NAMES\nWEB\nA_LONGER_NAME\n");
    CHECK(formatted(R"(table {{truncate .ID 4}}\t{{json .Names}})") ==
          "CONTAINER ID   NAMES\n0123           \"web\"\nba98           \"a_longer_name\"\n");
    CHECK(formatted(R"(table {{.Label "com.x.my-key"}}\t{{.Label "none"}})") ==
          "my key    none\nv         \nv         \n");
    CHECK(formatted(R"(table {{range split .Names "_"}}{{.}} {{end}}\t{{.ID}})") ==
          "NAMES            CONTAINER ID\nweb              0123456789ab\na longer name    "
          "ba9876543210\n");
    CHECK(listed({.format = "table {{.Names}}", .no_heading = true}) == "web\na_longer_name\n");
}

TEST_CASE("another template makes one line of each row") {
    CHECK(formatted("{{.Names}}") == "web\na_longer_name\n");
    CHECK(formatted(R"({{.Names}}\n)") == "web\na_longer_name\n");
    CHECK(formatted(R"({{.Names}}\t{{.Label "com.x.my-key"}})") == "web\tv\na_longer_name\tv\n");
    CHECK(formatted("tablet") == "tablet\ntablet\n");
    CHECK(formatted("{{json .}}").starts_with(R"({"ID":"0123456789ab","Names":"web",)"));
    CHECK(formatted(R"({{range .}}{{.Names}};{{end}})") == "web;a_longer_name;");
    CHECK(listed({.format = "{{.Names}}"}, {}).empty());
}

TEST_CASE("json is one array of all rows") {
    CHECK(listed({.format = "json"}, {}) == "[]\n");
    Row own = row("1", "x");
    own.json = Value::Object{{"Id", "1"}};
    CHECK(listed({.format = "json"}, {own}) == "[\n  {\n    \"Id\": \"1\"\n  }\n]\n");
    CHECK(listed({.format = "json", .quiet = true}, {own}) == "[\n  {\n    \"Id\": \"1\"\n  }\n]\n");
}

TEST_CASE("a field that no row has is refused before anything is listed, with the nearest one") {
    CHECK(refused("{{.Name}}") == "template: ps:1:2: no field '.Name' / did you mean '.Names'?");
    CHECK(refused(R"(table {{.ID}}\t{{.Statsu}})") ==
          "template: ps:1:17: no field '.Statsu' / did you mean '.Status'?");
    CHECK(refused("{{.Whatever}}") ==
          "template: ps:1:2: no field '.Whatever' / the fields are .ID .Names .Status .Size .Labels");
    CHECK(refused("{{.ID") == "template: ps:1:0: unclosed action / ");
    CHECK(refused("table {{.ID}") == "template: ps:1:11: bad character U+007D '}' / ");
}

TEST_CASE("a list says which fields it needs") {
    CHECK_FALSE(Listing("ps", columns, {}).needs("Size"));
    CHECK(Listing("ps", columns, {}).needs("Names"));
    CHECK(Listing("ps", columns, {.changes = {{"Size", "SIZE", true}}}).needs("Size"));
    CHECK(Listing("ps", columns, {.format = "{{.Size}}"}).needs("Size"));
    CHECK_FALSE(Listing("ps", columns, {.format = "{{.ID}}"}).needs("Size"));
    CHECK(Listing("ps", columns, {.format = "{{json .}}"}).needs("Size"));
    CHECK(Listing("ps", columns, {.format = "json"}).needs("Size"));
    CHECK(Listing("ps", columns, {.quiet = true}).needs("ID"));
    CHECK_FALSE(Listing("ps", columns, {.quiet = true}).needs("Names"));
}

TEST_CASE("control characters of a value cannot move the cursor or break a table") {
    const std::vector<Row> hostile = {row("1", "a\x1b[2J\tb\nc")};
    CHECK(listed({}, hostile) ==
          "CONTAINER ID   NAMES                STATUS\n"
          "1              a\\x1b[2J\\x09b\\x0ac   Up 3 seconds\n");
    CHECK(listed({.format = "table {{.Names}}"}, hostile) == "NAMES\na\\x1b[2J\\x09b\\x0ac\n");
    CHECK(listed({.format = "{{.Names}}"}, hostile) == "a\x1b[2J\tb\nc\n");
}
