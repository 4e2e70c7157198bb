// SPDX-License-Identifier: Apache-2.0
// Where kist's templates are not plain Go: what is missing, limits, else-with, ranges over
// integers, and what is refused.

#include <catch2/catch_test_macros.hpp>

#include "template_cases.hh"

using namespace kist;
using namespace kist::cli;

namespace {

constexpr TemplateCase ours[] = {
    {"{{range 3}}{{.}}{{end}}", "012"},
    {"{{range $i := 2}}{{$i}},{{end}}", "0,1,"},
    {"{{range $i, $v := 2}}{{$i}}{{$v}},{{end}}", "00,11,"},
    {"{{range 0}}x{{else}}none{{end}}", "none"},
    {"{{with .Empty}}a{{else with .Name}}{{.}}{{end}}", "/web"},
    {"{{with .Empty}}a{{else with .Zero}}b{{else}}c{{end}}", "c"},
    {R"t([{{index .Config.Labels "nope"}}])t", "[]"},
    {R"t([{{index .Config.None "nope"}}])t", "[]"},
    {R"t([{{index .Null "nope"}}])t", "[]"},
    {R"t({{index .State "nope"}})t", "<no value>"},
    {"{{len .Null}}", "0"},
    {R"t([{{join .Null ","}}])t", "[]"},
    {"{{json .State}}", R"t({"Status":"running","Pid":4711,"ExitCode":0,"Running":true})t"},
    {R"t({{truncate "Wörld" 2}})t", "W"},
    {R"t({{eq .State.Pid 4711}}{{eq 4711 .State.Pid}})t", "truetrue"},
    {R"t({{html "\x00"}})t", "\xEF\xBF\xBD"},
    {R"t({{"\u2028" | js}})t", R"t(\u2028)t"},
};

constexpr TemplateCase strict[] = {
    {"{{.Foo}}", R"t(template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo")t"},
    {"{{.State.Health.Status}}",
     R"t(template: :1:8: executing "" at <.State.Health.Status>: map has no entry for key "Health")t"},
    {"x\n{{if .Stat}}{{end}}", R"t(template: :2:5: executing "" at <.Stat>: map has no entry for key "Stat")t"},
    {"{{(index .Mounts 1).Missing}}",
     R"t(template: :1:19: executing "" at <(index .Mounts 1).Missing>: map has no entry for key "Missing")t"},
    {"{{.state}}", R"t(template: :1:2: executing "" at <.state>: map has no entry for key "state")t"},
};

std::string repeated(std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
}

} // namespace

TEST_CASE("templates know what newer versions of Go know, and the null lists of Docker's data") {
    for (const TemplateCase& each : ours) {
        INFO(each.text);
        CHECK(executed(each.text) == each.expected);
    }
}

TEST_CASE("a field that does not exist is an error where inspect asks for that") {
    for (const TemplateCase& each : strict) {
        INFO(each.text);
        CHECK(failure(each.text, ExitCode::failure, {.missing_key = MissingKey::error}) == each.expected);
    }
}

TEST_CASE("a name among labels, networks or ports that does not exist is no value even there") {
    const ExecuteOptions options{.missing_key = MissingKey::error};
    CHECK(executed("{{.Config.Labels.nope}}", options) == "<no value>");
    CHECK(executed("{{.Config.Labels.nope.deeper}}", options) == "<no value>");
    CHECK(executed("{{.Config.None.nope}}", options) == "<no value>");
    CHECK(executed("{{.Ports.nope}}", options) == "<no value>");
    CHECK(executed("{{if .Config.Labels.nope}}a{{else}}b{{end}}", options) == "b");
}

TEST_CASE("the error of a missing field names the nearest one") {
    try {
        executed("{{.State.Statsu}}", {.missing_key = MissingKey::error});
        FAIL("it was taken");
    } catch (const TemplateError& error) {
        CHECK(error.hint() == "did you mean 'Status'?");
        CHECK(error.line == 1);
        CHECK(error.column == 8);
    }
}

TEST_CASE("positions begin with the template's name") {
    CHECK_THROWS_AS(Template::parse("{{", {.name = "ps"}), TemplateError);
    try {
        Template::parse("a\nb{{.X Y}}", {.name = "ps"});
        FAIL("it was taken");
    } catch (const TemplateError& error) {
        CHECK(error.message() == R"(template: ps:2:6: function "Y" not defined)");
        CHECK(error.line == 2);
        CHECK(error.column == 6);
    }
}

TEST_CASE("escapes outside actions are only undone when asked for") {
    const std::string_view text = R"({{.Count}}\t{{"\t"}}\n\x\)";
    CHECK(Template::parse(text).execute(sample()) == "3\\t\t\\n\\x\\");
    CHECK(Template::parse(text, {.escapes_in_text = true}).execute(sample()) == "3\t\t\n\\x\\");
}

TEST_CASE("a template knows which fields of its data it uses") {
    const Template text =
        Template::parse("{{.A}}{{if .B.C}}{{.D}}{{end}}{{range .E}}{{.F}}{{$.G}}{{end}}{{.Label \"x\"}}");
    std::string names;
    for (const RootField& field : text.root_fields()) names += field.name + " ";
    CHECK(names == "A B D E G Label ");
    CHECK(text.root_fields().back().has_arguments);
    CHECK_FALSE(text.root_fields().front().has_arguments);
    CHECK_FALSE(text.uses_everything());
    CHECK(Template::parse("{{json .}}").uses_everything());
    CHECK(Template::parse("{{$x := $}}").uses_everything());
    CHECK_FALSE(Template::parse("{{with .A}}{{.}}{{end}}").uses_everything());
    CHECK(Template::parse("{{range .}}{{.ID}}{{end}}").ranges_over_dot());
    CHECK_FALSE(Template::parse("{{range .Mounts}}{{.}}{{end}}").ranges_over_dot());
}

TEST_CASE("a method gets its arguments and the value that is piped to it") {
    const ExecuteOptions options{
        .method = [](const Value&, std::string_view name, const std::vector<Value>& arguments) {
            std::optional<Value> result;
            if (name == "Twice" && arguments.size() == 1)
                result = Value(arguments[0].as_string() + arguments[0].as_string());
            return result;
        }};
    CHECK(executed(R"({{.Twice "ab"}})", options) == "abab");
    CHECK(executed(R"({{"x" | .Twice | upper}})", options) == "XX");
    CHECK(failure(R"({{.Thrice "ab"}})", ExitCode::failure, options) ==
          R"(template: :1:2: executing "" at <.Thrice>: Thrice is not a method but has arguments)");
}

TEST_CASE("a template is at most 64 KiB long and 100 deep") {
    CHECK(executed(std::string(65536, 'x')).size() == 65536);
    CHECK_THROWS_AS(executed(std::string(65537, 'x')), TemplateError);
    CHECK(executed(repeated("{{if 1}}", 100) + "x" + repeated("{{end}}", 100)) == "x");
    CHECK(failure(repeated("{{if 1}}", 101) + repeated("{{end}}", 101), ExitCode::engine) ==
          "template: :1:802: nested more than 100 deep");
    CHECK(executed("{{" + std::string(100, '(') + "1" + std::string(100, ')') + "}}") == "1");
    CHECK(failure("{{" + std::string(101, '(') + "1" + std::string(101, ')') + "}}", ExitCode::engine) ==
          "template: :1:102: nested more than 100 deep");
    CHECK(failure("{{if 1}}" + repeated("{{else if 1}}", 200) + "{{end}}", ExitCode::engine) ==
          "template: :1:1302: nested more than 100 deep");
}

TEST_CASE("the rounds of all ranges together are bounded") {
    const ExecuteOptions few{.limits = {.iterations = 10}};
    CHECK(executed("{{range 5}}.{{end}}{{range 5}}.{{end}}", few) == "..........");
    CHECK(failure("{{range 5}}.{{end}}{{range 6}}.{{end}}", ExitCode::failure, few) ==
          R"(template: :1:27: executing "" at <6>: more than 10 rounds of range)");
    CHECK_THROWS_AS(executed("{{range 9223372036854775807}}{{end}}", few), TemplateError);
}

TEST_CASE("what a template writes and makes is bounded") {
    const ExecuteOptions small{.limits = {.output = 100, .intermediate = 300}};
    CHECK(executed("{{range 10}}0123456789{{end}}", small).size() == 100);
    CHECK_THROWS_AS(executed("{{range 11}}0123456789{{end}}", small), TemplateError);
    CHECK_THROWS_AS(executed(R"({{printf "%101d" 1}})", small), TemplateError);
    CHECK_THROWS_AS(executed(R"({{pad "x" 50 51}})", small), TemplateError);
    CHECK_THROWS_AS(executed(R"({{$x := "ab"}}{{range 9}}{{$x = print $x $x}}{{end}})", small), TemplateError);
    CHECK_THROWS_AS(executed("{{print . .}}", small), TemplateError);
    CHECK_THROWS_AS(executed(R"({{html "<<<<<<<<<<<<<<<<<<<<<<<<<<"}})", small), TemplateError);
    CHECK_THROWS_AS(executed(R"({{range 99}}{{$x := print "0123456789"}}{{end}})", small), TemplateError);
    CHECK_THROWS_AS(executed(R"({{pad "x" 9223372036854775807 9223372036854775807}})"), TemplateError);
}
