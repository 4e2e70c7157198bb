// SPDX-License-Identifier: Apache-2.0
// Go's functions and those of docker and podman; the results are those of Go 1.19.

#include <catch2/catch_test_macros.hpp>

#include "template_cases.hh"

using namespace kist;
using namespace kist::cli;

namespace {

constexpr TemplateCase functions[] = {
    {"{{index .Mounts 0}}", "map[RW:true Source:/a Type:bind]"},
    {"{{(index .Mounts 0).Source}}", "/a"},
    {"{{(index .Mounts 1).Missing}}", "<no value>"},
    {R"t({{index .Config.Labels "com.x.y"}})t", "z"},
    {"{{index .Mixed 5 1}}", "4"},
    {R"t({{index .Mixed 6 "k"}})t", "v"},
    {"{{index .Name 1}}", "119"},
    {"{{index .Mounts}}", "[map[RW:true Source:/a Type:bind] map[RW:false Source:/b Type:volume]]"},
    {R"t({{(index (index .Ports "80/tcp") 0).HostPort}})t", "8080"},
    {R"t({{index .Ports "80/tcp" 0 "HostPort"}})t", "8080"},
    {R"t({{index .Nested "A" "B" "C"}})t", "deep"},
    {R"t({{(index .Ports "81/tcp").X}})t", "<no value>"},
    {R"t({{(index .Ports "443/tcp")}})t", "<no value>"},
    {"{{slice .Name 1}} {{slice .Name 1 3}} {{slice .Nums 1}} {{slice .Nums 0 2}} {{slice .Nums 0 "
     "1 2}} {{slice .Name}}",
     "web we [1 2] [3 1] [3] /web"},
    {"{{len .Name}} {{len .Mounts}} {{len .Config.Labels}} {{len .Empty}} {{len .Config.None}}", "4 2 3 0 0"},
    {R"t({{print "a" "b"}} {{print 1 2}} {{print "a" 1 2 "b"}} {{print .Null .Missing}} {{print}})t",
     "ab 1 2 a1 2b <nil> <nil> "},
    {R"t({{println "a" 1}}{{println}})t", "a 1\n\n"},
    {R"t({{"a" | print "b" | len}})t", "2"},
    {R"t({{(print "a" | len)}})t", "1"},
    {R"t({{upper .Name}} {{lower "ABC"}} {{title "hello world-foo bar_baz it's"}})t",
     "/WEB abc Hello World-Foo Bar_baz It'S"},
    {R"t({{upper "Wörld ß"}} {{lower "ÀÉ ЖЯ Ω"}} {{title "élan vital"}})t", "WÖRLD ß àé жя ω Élan Vital"},
    {"{{.Name | upper}}", "/WEB"},
    {R"t({{split "a,b,c" ","}} {{split "abc" ""}} {{split "" ","}} {{len (split "" ",")}} {{split "a" "x"}})t",
     "[a b c] [a b c] [] 1 [a]"},
    {R"t({{index (split .Multi ",") 1}})t", "b"},
    {R"t({{join .Config.Env " "}}|{{join .Config.NoList ","}})t", "PATH=/bin HOME=/root|"},
    {R"t({{join (split .Multi ",") "-"}})t", "a-b-c"},
    {"{{json .Text}} {{json .Null}} {{json .Count}} {{json .Missing}} {{json .Config.Cmd}}",
     R"t("Hello, Wörld! <b>&'\"\n" null 3 null ["sh","-c","echo <hi>"])t"},
    {R"t({{pad "x" 2 3}}|{{pad "" 2 3}}|)t", "  x   ||"},
    {R"t({{truncate "hello" 3}} {{truncate "hi" 5}} {{truncate "hello" 5}})t", "hel hi hello"},
    {"{{html .Text}}", "Hello, Wörld! &lt;b&gt;&amp;&#39;&#34;\n"},
    {"{{js .Text}}", R"t(Hello, Wörld! \u003Cb\u003E\u0026\'\"\u000A)t"},
    {"{{urlquery .Text}}", "Hello%2C+W%C3%B6rld%21+%3Cb%3E%26%27%22%0A"},
    {R"t({{html 1 2 "<"}})t", "1 2&lt;"},
    {"{{html .Missing}}", "&lt;no value&gt;"},
    {"{{html .Null}}", "&lt;no value&gt;"},
    {"{{println .Name}}", "/web\n"},
    {"{{len (index .Mounts 0)}}", "3"},
    {"{{print .Mixed .Mixed}}", "[1 two <nil> true 2.5 [3 4] map[k:v]] [1 two <nil> true 2.5 [3 4] map[k:v]]"},
    {R"t({{print 1 true 2.5 "x" .Null}})t", "1 true 2.5x<nil>"},
    {"{{.Null | print}}", "<nil>"},
    {"{{.Missing | print}}", "<nil>"},
    {"{{print nil}}", "<nil>"},
    {R"t({{print "}}"}})t", "}}"},
    {"{{print `}}`}}", "}}"},
    {"{{html .Null 1}}", "&lt;no value&gt;1"},
    {"{{\n.Name\n|\nprint\n}}", "/web"},
    {"{{print\n\"a\"}}", "a"},
};

constexpr TemplateCase printfs[] = {
    {R"t({{printf "%s-%d" .Name .Count}})t", "/web-3"},
    {R"t({{printf "%v %v %v %v" .Yes .Null .Mounts .Ratio}})t",
     "true <nil> [map[RW:true Source:/a Type:bind] map[RW:false Source:/b Type:volume]] 1.5"},
    {R"t({{printf "%d" "x"}})t", "%!d(string=x)"},
    {R"t({{printf "%s" 5}})t", "%!s(int=5)"},
    {R"t({{printf "%s" .Null}})t", "%!s(<nil>)"},
    {R"t({{printf "%d" .Missing}})t", "%!d(<nil>)"},
    {R"t({{printf "%d %d" 1}})t", "1 %!d(MISSING)"},
    {R"t({{printf "%d" 1 2}})t", "1%!(EXTRA int=2)"},
    {R"t({{printf "x" "a" nil 2.5}})t", "x%!(EXTRA string=a, <nil>, float64=2.5)"},
    {R"t({{printf "%!"}})t", "%!!(MISSING)"},
    {R"t({{printf "%"}})t", "%!(NOVERB)"},
    {R"t({{printf "%z" 5}})t", "%!z(int=5)"},
    {R"t({{printf "100%%"}})t", "100%"},
    {R"t({{printf "%5d|%-5d|%05d|%+d|% d|%x|%X|%#x|%o|%#o|%O|%b|%c|%U|%#U|%q" 42 42 42 42 42 255 255 255 8 8 8 5 65 65 65 65}})t",
     "   42|42   |00042|+42| 42|ff|FF|0xff|10|010|0o10|101|A|U+0041|U+0041 'A'|'A'"},
    {R"t({{printf "%5s|%-5s|%.2s|%q|%x|%X|% x|%#x|%5.1s|%05s|%#q|%+q" "abc" "abc" "abc" "a\"b" "hi" "hi" "hi" "hi" "abc" "abc" "abc" "é"}})t",
     R"t(  abc|abc  |ab|"a\"b"|6869|6869|68 69|0x6869|    a|00abc|`abc`|"\u00e9")t"},
    {R"t({{printf "%t %5t %v" true false true}})t", "true false true"},
    {R"t({{printf "%f %.2f %8.3f %e %g %G %.3g %+.1f %08.2f %E" 3.14159 3.14159 3.14159 3.14159 3.14159 1e20 1234567.0 2.5 -2.5 1e-7}})t",
     "3.141590 3.14    3.142 3.141590e+00 3.14159 1E+20 1.23e+06 +2.5 -0002.50 1.000000E-07"},
    {R"t({{printf "%v %v %v %v" 1e6 100000.0 123456.789 1e-5}})t", "1e+06 100000 123456.789 1e-05"},
    {R"t({{printf "%T %T %T %T %T %T %T" 1 "a" 1.5 true .Mounts .State .Null}})t",
     "int string float64 bool []interface {} map[string]interface {} <nil>"},
    {R"t({{printf "%#v %#v %#v %#v %#v %+v" "a" 1 .Mixed .Config.Labels true .State}})t",
     R"t("a" 1 []interface {}{1, "two", interface {}(nil), true, 2.5, []interface {}{3, 4}, map[string]interface {}{"k":"v"}} map[string]interface {}{"a":"1", "b":"2", "com.x.y":"z"} true map[ExitCode:0 Pid:4711 Running:true Status:running])t"},
    {R"t({{printf "%d" .Nums}})t", "[3 1 2]"},
    {R"t({{printf "%s" .Nums}})t", "[%!s(int=3) %!s(int=1) %!s(int=2)]"},
    {R"t({{printf "%s %q" .Config.Env .Config.Env}})t", R"t([PATH=/bin HOME=/root] ["PATH=/bin" "HOME=/root"])t"},
    {R"t({{printf "%d" .Config.Labels}})t",
     "map[%!d(string=a):%!d(string=1) %!d(string=b):%!d(string=2) "
     "%!d(string=com.x.y):%!d(string=z)]"},
    {R"t({{printf "%5d" .Nums}})t", "[    3     1     2]"},
    {R"t({{printf "%[2]d %[1]d" 1 2}})t", "2 1"},
    {R"t({{printf "%[3]d" 1 2}})t", "%!d(BADINDEX)"},
    {R"t({{printf "%[1]d %d" 1 2}})t", "1 2"},
    {R"t({{printf "%*d|%-*d|%.*f" 5 42 5 42 2 3.14159}})t", "   42|42   |3.14"},
    {R"t({{printf "%*d" "a" 42}})t", "%!(BADWIDTH)42"},
    {R"t({{printf "%.*d" -1 42}})t", "%!(BADPREC)42"},
    {R"t({{printf "%[x]d" 1}})t", "%!d(BADINDEX)"},
    {R"t({{printf "%[1" 1}})t", "%!(NOVERB)"},
    {R"t({{printf "%.3d|%8.3d|%-8.3d|%.0d" 7 7 7 0}})t", "007|     007|007     |"},
    {R"t({{printf "%x %X" -255 -255}})t", "-ff -FF"},
    {R"t({{printf "%c %c" 0x1F600 -1}})t", "😀 �"},
    {R"t({{printf "%q %q" 10 0x1F600}})t", R"t('\n' '😀')t"},
    {R"t({{printf "%t" 1}})t", "%!t(int=1)"},
    {R"t({{printf "%s" true}})t", "%!s(bool=true)"},
    {R"t({{printf "%d" 1.5}})t", "%!d(float64=1.5)"},
    {R"t({{printf "%x" 1}})t", "1"},
    {R"t({{printf "%v %d" .Mixed .Mixed}})t",
     "[1 two <nil> true 2.5 [3 4] map[k:v]] [1 %!d(string=two) <nil> %!d(bool=true) "
     "%!d(float64=2.5) [3 4] map[%!d(string=k):%!d(string=v)]]"},
    {R"t({{.Count | printf "%d %s" 5}})t", "5 %!s(int=3)"},
    {R"t({{.Name | printf "%s"}})t", "/web"},
    {R"t({{len .Name | printf "%03d"}})t", "004"},
    {R"t({{printf "%+v" 5}} {{printf "%+d" 5}})t", "5 +5"},
    {R"t({{printf "%v" nil}})t", "<nil>"},
    {R"t({{printf "%6.2f%%" .Ratio}})t", "  1.50%"},
    {R"t({{printf "%-20s|" .Name}})t", "/web                |"},
};

} // namespace

TEST_CASE("template functions give what they give in docker") {
    for (const TemplateCase& each : functions) {
        INFO(each.text);
        CHECK(executed(each.text) == each.expected);
    }
}

TEST_CASE("printf formats as Go does, mistakes included") {
    for (const TemplateCase& each : printfs) {
        INFO(each.text);
        CHECK(executed(each.text) == each.expected);
    }
}
