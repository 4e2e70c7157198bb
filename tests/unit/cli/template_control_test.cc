// SPDX-License-Identifier: Apache-2.0
// if, with, range and comparisons; the results are those of Go 1.19.

#include <catch2/catch_test_macros.hpp>

#include "template_cases.hh"

using namespace kist;
using namespace kist::cli;

namespace {

constexpr TemplateCase control[] = {
    {"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"},
    {"{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"},
    {"{{if .Yes}}a{{else}}b{{end}}", "a"},
    {"{{if .No}}a{{else}}b{{end}}", "b"},
    {"{{if .No}}a{{else if .Yes}}b{{else}}c{{end}}", "b"},
    {"{{if .No}}a{{else if .No}}b{{else}}c{{end}}", "c"},
    {"{{if .No}}a{{else if .No}}b{{else if .Yes}}q{{else}}c{{end}}", "q"},
    {"{{if .Empty}}a{{else}}b{{end}}{{if .Zero}}a{{else}}b{{end}}{{if .Null}}a{{else}}b{{end}}{{if "
     ".Missing}}a{{else}}b{{end}}",
     "bbbb"},
    {"{{if .Config.NoList}}a{{else}}b{{end}}{{if .Config.None}}a{{else}}b{{end}}{{if "
     ".Mounts}}a{{else}}b{{end}}{{if .Ratio}}a{{else}}b{{end}}",
     "bbaa"},
    {"{{with .Name}}{{.}}{{end}}", "/web"},
    {"{{with .Missing}}{{.}}{{else}}none{{end}}", "none"},
    {"{{with $x := .Name}}{{$x}}-{{.}}{{end}}", "/web-/web"},
    {"{{with .State}}{{.Status}} {{$.Name}}{{end}}", "running /web"},
    {"{{range .Mounts}}{{.Source}};{{end}}", "/a;/b;"},
    {"{{range .Mounts}}{{.Source}};{{else}}none{{end}}", "/a;/b;"},
    {"{{range .Config.NoList}}x{{else}}none{{end}}", "none"},
    {"{{range .Missing}}x{{else}}none{{end}}", "none"},
    {"{{range .Null}}x{{else}}none{{end}}", "none"},
    {"{{range $i, $m := .Mounts}}{{$i}}={{$m.Type}} {{end}}", "0=bind 1=volume "},
    {"{{range $m := .Mounts}}{{$m.Type}} {{end}}", "bind volume "},
    {"{{range $k, $v := .Config.Labels}}{{$k}}={{$v}},{{end}}", "a=1,b=2,com.x.y=z,"},
    {"{{range .Config.Labels}}{{.}},{{end}}", "1,2,z,"},
    {"{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$e}}{{end}}", "PATH=/bin, HOME=/root"},
    {"{{range .Nums}}{{if eq . 1}}{{continue}}{{end}}{{.}}{{end}}", "32"},
    {"{{range .Nums}}{{if eq . 1}}{{break}}{{end}}{{.}}{{end}}", "3"},
    {"{{range .Mixed}}[{{.}}]{{end}}", "[1][two][<no value>][true][2.5][[3 4]][map[k:v]]"},
    {"{{$x := 0}}{{range $x = .Nums}}{{$x}}{{end}}{{$x}}", "3122"},
    {"{{range $i, $v := .Nums}}{{range $j, $w := $.Nums}}{{$i}}{{$j}} {{end}}{{end}}", "00 01 02 10 11 12 20 21 22 "},
    {R"t({{eq .Name "/web"}} {{eq 1 1}} {{eq 1 2}} {{eq "a" "b" "a"}} {{eq 1.5 1.5}} {{eq true true}})t",
     "true true false true true true"},
    {"{{eq .Count 3}}", "true"},
    {"{{eq .Null .Null}}", "true"},
    {"{{eq .Null 1}}", "false"},
    {"{{eq 1 .Null}}", "false"},
    {R"t({{eq .Missing "x"}})t", "false"},
    {"{{eq .Null nil}}", "true"},
    {"{{eq nil nil}}", "true"},
    {R"t({{ne .Name "x"}} {{ne 1 1}})t", "true false"},
    {R"t({{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 3}} {{lt "a" "b"}} {{lt 1.5 2.5}})t",
     "true true false false true true"},
    {"{{gt .State.Pid 100}}", "true"},
    {R"t({{and 1 0 2}} {{and 1 2}} {{or 0 "" "x"}} {{or 0 ""}}| {{not 0}} {{not 1}})t", "0 2 x | true false"},
    {"{{and .Missing .Null.X}}", "<no value>"},
    {"{{or .Yes .Null.X}}", "true"},
    {"{{true | and 1}} {{0 | or 5}}", "true 5"},
    {"{{range $p, $c := .Ports}}{{$p}} -> {{range $c}}{{.HostPort}}{{else}}-{{end}} {{end}}",
     "443/tcp -> - 80/tcp -> 8080 "},
    {"{{if $x := .Name}}{{$x}}{{else}}{{$x}}{{end}}", "/web"},
    {"{{if not .No}}t{{end}}", "t"},
    {"{{if and .Yes (eq .Count 3)}}t{{end}}", "t"},
    {R"t({{if or (eq .Name "x") (gt .Count 2)}}t{{end}})t", "t"},
    {R"t({{if eq .State.Status "running"}}up{{else}}down{{end}})t", "up"},
    {"{{with $y := index .Mounts 0}}{{$y.Source}}{{end}}", "/a"},
    {"{{range $i, $e := index .Mixed 5}}{{$i}}:{{$e}} {{end}}", "0:3 1:4 "},
    {"{{range .Mounts}}{{println .Type}}{{end}}", "bind\nvolume\n"},
    {"{{not (and .Yes .No)}}", "true"},
    {R"t({{eq "a" .Name}})t", "false"},
    {"{{3 | eq 3}}", "true"},
    {"{{eq .Null .Mounts}}", "false"},
    {"{{eq .Mounts .Null}}", "false"},
    {"{{and .Yes}} {{or .No}}", "true false"},
    {"{{eq 1 nil}}", "false"},
    {"{{ne .Null nil}}", "false"},
    {"{{range $k, $v := .}}{{$k}} {{end}}",
     "Big Config Count Empty Id Large Mixed Mounts Multi Name Neg Nested No Null Nums Ports Ratio "
     "Small State Text Yes Zero lower_key "},
    {"{{with .Nested}}{{with .A}}{{.B.C}}{{end}}{{end}}", "deep"},
    {"{{range .Nums}}{{$}}{{break}}{{end}}",
     "map[Big:1000000 Config:map[Cmd:[sh -c echo <hi>] Env:[PATH=/bin HOME=/root] Labels:map[a:1 "
     "b:2 com.x.y:z] NoList:[] None:map[] User:] Count:3 Empty: Id:0123456789abcdef Large:1e+06 "
     "Mixed:[1 two <nil> true 2.5 [3 4] map[k:v]] Mounts:[map[RW:true Source:/a Type:bind] "
     "map[RW:false Source:/b Type:volume]] Multi:a,b,c Name:/web Neg:-7 "
     "Nested:map[A:map[B:map[C:deep]]] No:false Null:<nil> Nums:[3 1 2] Ports:map[443/tcp:<nil> "
     "80/tcp:[map[HostIp:0.0.0.0 HostPort:8080]]] Ratio:1.5 Small:1e-05 State:map[ExitCode:0 "
     "Pid:4711 Running:true Status:running] Text:Hello, Wörld! <b>&'\"\n Yes:true Zero:0 "
     "lower_key:lk]"},
    {"{{$a := .Nums}}{{range $a}}{{len $a}}{{end}}", "333"},
    {"{{if and (not .No) .Yes}}1{{end}}", "1"},
    {"{{if ne .State.ExitCode 0}}bad{{else}}ok{{end}}", "ok"},
    {R"t({{with index .Config.Labels "a"}}{{.}}{{end}})t", "1"},
    {"a\n{{if .Yes}}\n b\n{{- else}}\n c\n{{- end}}\nd", "a\n\n b\nd"},
    {"{{range .Nums}}\n{{- .}},\n{{- end}}", "3,1,2,"},
};

} // namespace

TEST_CASE("templates branch, repeat and compare as Go does") {
    for (const TemplateCase& each : control) {
        INFO(each.text);
        CHECK(executed(each.text) == each.expected);
    }
}
