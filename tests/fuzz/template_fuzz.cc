// SPDX-License-Identifier: Apache-2.0
// Templates of --format made of arbitrary bytes: they give a text or a TemplateError, within their
// limits, and an error's position lies inside the template. The same text is also tried as the
// format of a list.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.hh"
#include "cli/format/listing.hh"
#include "cli/format/template.hh"

using namespace kist;
using namespace kist::cli;

namespace {

constexpr TemplateLimits limits{.output = 1 << 16, .iterations = 2000, .intermediate = 1 << 18};

const Value& sample() {
    static const Value value = json::parse(
        R"({"A":1,"B":"text\n<&é","C":[1,"x",null,true,2.5,[],{"k":[1]}],"D":{"b":"1","a":"2"},
            "E":{"F":{"G":"deep"}},"N":null,"T":true,"R":-1.5e9,"U":18446744073709551615,"Z":[]})",
        "sample");
    return value;
}

void require(bool good) {
    if (!good) std::abort();
}

void check_place(std::string_view text, const TemplateError& error) {
    require(error.line >= 1);
    require(error.line <= 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
    require(error.column <= text.size());
}

void run(std::string_view text, const ParseOptions& parse, const ExecuteOptions& execute) {
    try {
        require(Template::parse(text, parse).execute(sample(), execute).size() <= limits.output);
    } catch (const TemplateError& error) {
        check_place(text, error);
    }
}

void list(std::string_view text) {
    static constexpr Column columns[] = {{"A", "ALPHA", true}, {"B", "BETA", true}, {"D", "DELTA"}};
    try {
        Listing listing("ps", columns, {.format = std::string(text)});
        listing.render({{.fields = sample(), .labels = *sample().find("D")}});
    } catch (const TemplateError& error) {
        check_place(text, error);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const bool strict = (data[0] & 1) != 0;
    run(text, {.name = "fuzz", .escapes_in_text = (data[0] & 2) != 0, .blanks_become_tabs = (data[0] & 4) != 0},
        {.missing_key = strict ? MissingKey::error : MissingKey::no_value,
         .headings = (data[0] & 8) != 0,
         .limits = limits});
    // Lists have the full limits: a template that repeats or pads would only make the fuzzer slow.
    const bool cheap = text.find("range") == text.npos && text.find("pad") == text.npos && text.find('%') == text.npos;
    if ((data[0] & 16) != 0 && cheap) list(text);
    return 0;
}
