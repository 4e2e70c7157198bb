// SPDX-License-Identifier: Apache-2.0
// What inspect, info and version print: JSON documents, or what a template of --format makes of each.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.hh"
#include "cli/format/template.hh"

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

} // namespace kist::cli
