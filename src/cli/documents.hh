// SPDX-License-Identifier: Apache-2.0
// What inspect, info and version print: JSON documents, or what a template of --format makes of each.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.hh"
#include "cli/command.hh"
#include "cli/format/template.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli {

class Documents {
public:
    /// `format`: nothing or "json" (one indented array of all), or a template. Throws TemplateError at once.
    Documents(std::string_view command, const std::optional<std::string>& format);
    /// With a template its line is printed now; one that fails is thrown and leaves the others as they are.
    void add(Value document);
    /// Prints the array.
    void finish() const;

private:
    std::optional<Template> template_;
    Value all_ = Value::list();
};

struct InspectOptions {
    std::optional<std::string> format;
};
inline constexpr auto inspect_options = std::to_array<Option<InspectOptions>>({
    {{"f,format", "FORMAT", "'json' or a template"}, &InspectOptions::format},
});

/// `kist OBJECT inspect NAME…`: the document that describe(engine, name) makes of each.
template <typename Describe>
int inspect_each(Session& session, std::string_view command, Describe&& describe) {
    InspectOptions o;
    const std::vector<std::string> names = parse_into(o, inspect_options, session);
    Documents documents(command, o.format);
    engine::Engine& engine = session.engine();
    const int code = for_each(names, [&](const std::string& name) { documents.add(describe(engine, name)); });
    documents.finish();
    return code;
}

} // namespace kist::cli
