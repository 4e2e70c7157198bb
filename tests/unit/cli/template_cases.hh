// SPDX-License-Identifier: Apache-2.0
// The data that the template tests run over, and how a case is run.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hh"
#include "base/json.hh"
#include "cli/format/template.hh"

namespace kist::cli {

struct TemplateCase {
    std::string_view text;
    std::string_view expected;
};

inline const Value& sample() {
    static const Value value = json::parse(
        R"json({"Id":"0123456789abcdef","Name":"/web","Count":3,"Big":1000000,"Neg":-7,"Ratio":1.5,"Large":1e6,"Small":0.00001,"Yes":true,"No":false,"Null":null,"Empty":"","Zero":0,
"State":{"Status":"running","Pid":4711,"ExitCode":0,"Running":true},
"Config":{"Env":["PATH=/bin","HOME=/root"],"Cmd":["sh","-c","echo <hi>"],"Labels":{"b":"2","a":"1","com.x.y":"z"},"User":"","None":{}, "NoList":[]},
"Mounts":[{"Type":"bind","Source":"/a","RW":true},{"Type":"volume","Source":"/b","RW":false}],
"Mixed":[1,"two",null,true,2.5,[3,4],{"k":"v"}],"Nested":{"A":{"B":{"C":"deep"}}},"Nums":[3,1,2],
"Text":"Hello, Wörld! <b>&'\"\n","Multi":"a,b,c","lower_key":"lk","Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}],"443/tcp":null}})json",
        "sample");
    return value;
}

inline std::string executed(std::string_view text, const ExecuteOptions& options = {}) {
    return Template::parse(text).execute(sample(), options);
}

/// The message of the failure, which must have that exit code.
inline std::string failure(std::string_view text, ExitCode code, const ExecuteOptions& options = {}) {
    try {
        return "no failure, but: " + executed(text, options);
    } catch (const TemplateError& error) {
        return error.exit_code() == code ? error.message() : "wrong exit code: " + error.message();
    }
}

} // namespace kist::cli
