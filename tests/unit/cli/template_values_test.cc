// SPDX-License-Identifier: Apache-2.0
// Data, constants, variables, blanks and comments; the results are those of Go 1.19.

#include <catch2/catch_test_macros.hpp>

#include "template_cases.hh"

using namespace kist;
using namespace kist::cli;

namespace {

constexpr TemplateCase values[] = {
    {"hello", "hello"},
    {"{{.Name}}", "/web"},
    {"{{.State.Pid}}", "4711"},
    {"{{.Nested.A.B.C}}", "deep"},
    {"{{.Missing}}", "<no value>"},
    {"{{.Missing.Deeper}}", "<no value>"},
    {"{{.Null}}", "<no value>"},
    {"{{.State}}", "map[ExitCode:0 Pid:4711 Running:true Status:running]"},
    {"{{.Mounts}}", "[map[RW:true Source:/a Type:bind] map[RW:false Source:/b Type:volume]]"},
    {"{{.Mixed}}", "[1 two <nil> true 2.5 [3 4] map[k:v]]"},
    {"{{.Config.Labels}}", "map[a:1 b:2 com.x.y:z]"},
    {"{{.Ratio}} {{.Large}} {{.Small}} {{.Big}} {{.Neg}}", "1.5 1e+06 1e-05 1000000 -7"},
    {"{{.Yes}} {{.No}} {{.Empty}}|{{.Zero}}", "true false |0"},
    {"{{.}}",
     "map[Big:1000000 Config:map[Cmd:[sh -c echo <hi>] Env:[PATH=/bin HOME=/root] Labels:map[a:1 "
     "b:2 com.x.y:z] NoList:[] None:map[] User:] Count:3 Empty: Id:0123456789abcdef Large:1e+06 "
     "Mixed:[1 two <nil> true 2.5 [3 4] map[k:v]] Mounts:[map[RW:true Source:/a Type:bind] "
     "map[RW:false Source:/b Type:volume]] Multi:a,b,c Name:/web Neg:-7 "
     "Nested:map[A:map[B:map[C:deep]]] No:false Null:<nil> Nums:[3 1 2] Ports:map[443/tcp:<nil> "
     "80/tcp:[map[HostIp:0.0.0.0 HostPort:8080]]] Ratio:1.5 Small:1e-05 State:map[ExitCode:0 "
     "Pid:4711 Running:true Status:running] Text:Hello, Wörld! <b>&'\"\n Yes:true Zero:0 "
     "lower_key:lk]"},
    {"{{$}}",
     "map[Big:1000000 Config:map[Cmd:[sh -c echo <hi>] Env:[PATH=/bin HOME=/root] Labels:map[a:1 "
     "b:2 com.x.y:z] NoList:[] None:map[] User:] Count:3 Empty: Id:0123456789abcdef Large:1e+06 "
     "Mixed:[1 two <nil> true 2.5 [3 4] map[k:v]] Mounts:[map[RW:true Source:/a Type:bind] "
     "map[RW:false Source:/b Type:volume]] Multi:a,b,c Name:/web Neg:-7 "
     "Nested:map[A:map[B:map[C:deep]]] No:false Null:<nil> Nums:[3 1 2] Ports:map[443/tcp:<nil> "
     "80/tcp:[map[HostIp:0.0.0.0 HostPort:8080]]] Ratio:1.5 Small:1e-05 State:map[ExitCode:0 "
     "Pid:4711 Running:true Status:running] Text:Hello, Wörld! <b>&'\"\n Yes:true Zero:0 "
     "lower_key:lk]"},
    {"{{$.Name}}", "/web"},
    {"{{$x := .Name}}{{$x}}", "/web"},
    {"{{$x := 1}}{{$x = 2}}{{$x}}", "2"},
    {R"t({{"a\tb\x41\u00e9\n"}})t", "a\tbAé\n"},
    {R"t({{`raw\n`}})t", R"t(raw\n)t"},
    {R"t({{'a'}} {{'\n'}} {{'é'}} {{'\''}})t", "97 10 233 39"},
    {"{{1}} {{-1}} {{+1}} {{0x1F}} {{0o17}} {{017}} {{0b101}} {{1_000}} {{1.5}} {{1e3}} {{.5}} "
     "{{1.}} {{0x1p4}}",
     "1 -1 1 31 15 15 5 1000 1.5 1000 0.5 1 16"},
    {"{{9223372036854775807}}", "9223372036854775807"},
    {"{{-9223372036854775808}}", "-9223372036854775808"},
    {"{{true}} {{false}}", "true false"},
    {"{{/* comment */}}x", "x"},
    {"a {{- /* comment */ -}} b", "ab"},
    {"a {{- .Name -}} b", "a/webb"},
    {"a   {{- 3 }} b", "a3 b"},
    {"a {{-3}} b", "a -3 b"},
    {"a {{.Name -}}   ", "a /web"},
    {"  {{- .Name }}", "/web"},
    {"}}", "}}"},
    {"{{((3))}}", "3"},
    {"{{(.State).Pid}}", "4711"},
    {"{{(.State).Missing.X}}", "<no value>"},
    {"{{.lower_key}}", "lk"},
    {"{{.name}}", "<no value>"},
    {"{{ .Name\t}}", "/web"},
    {"{{$.State.Pid}}", "4711"},
    {"{{$x := .State}}{{$x.Pid}}{{$x.Nope}}", "4711<no value>"},
    {"{{$x := .Null}}{{$x.Pid}}", "<no value>"},
    {"{{$x := .Null}}{{$x}}", "<no value>"},
    {"line1", "line1"},
    {"multi", "multi"},
    {"line*/}}x", "line*/}}x"},
    {R"t(a{{"\n"}}b)t", "a\nb"},
    {"{{.Config.Labels.a}} {{.Config.Labels.nope}}", "1 <no value>"},
    {"{{1 -}}  x", "1x"},
    {"{{/* }} */}}x", "x"},
    {R"t({{"{{"}})t", "{{"},
    {R"t({ {.Name} } {{"}"}} })t", "{ {.Name} } } }"},
    {"{{.Name}}}", "/web}"},
    {"{{.Name\n}}", "/web"},
    {"x {{- /* c */ -}}\n\n y", "xy"},
    {"{{/*\nmulti\n*/}}x", "x"},
    {"{{`a\nb`}}", "a\nb"},
};

} // namespace

TEST_CASE("templates print data and constants as Go does") {
    for (const TemplateCase& each : values) {
        INFO(each.text);
        CHECK(executed(each.text) == each.expected);
    }
}
