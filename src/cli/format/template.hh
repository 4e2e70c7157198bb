// SPDX-License-Identifier: Apache-2.0
// The templates of --format: the part of Go's text/template that users of docker and podman write,
// over Value. Actions, variables, pipelines, if/with/range with else, break and continue, trim
// markers, comments, and the functions of functions.hh. define, template and block are refused: a
// --format text stands alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hh"
#include "base/value.hh"

namespace kist::cli {

/// What a look-up of a member that does not exist gives.
enum class MissingKey {
    no_value, ///< "<no value>", as Go does for maps
    /// An error, as `inspect` wants it: 'map has no entry for key "Foo"'. Objects that hold the
    /// user's own names (labels, networks, ports: empty, or with a name that does not begin with a
    /// capital) still give "<no value>", as Docker's.
    error,
};

/// "template: :1:7: unexpected "|" in command": line from 1, column from 0 in bytes, as Go counts
/// them. A text that does not parse has exit code `engine`, one that fails on the data `failure`.
class TemplateError : public Error {
public:
    TemplateError(const std::string& message, std::size_t at_line, std::size_t at_column, ExitCode code)
        : Error("{}", message), line(at_line), column(at_column) {
        with_exit_code(code);
    }
    const std::size_t line;
    const std::size_t column;
};

struct ParseOptions {
    std::string_view name = {};   ///< the first part of positions, as in "template: ps:1:2"
    bool escapes_in_text = false; ///< \t and \n outside actions are a tab and a new line (ps, images …; not inspect)
    bool blanks_become_tabs = false; ///< outside blocks: "table {{.ID}} {{.Names}}" has 2 columns
    std::size_t begin = 0;           ///< the template begins here; positions still count from the text's start
};

/// Bounds on what one execution may cost; a template over them ends with an error, never with an
/// empty machine.
struct TemplateLimits {
    std::size_t output = std::size_t{64} << 20;            ///< bytes written, and of any text a function makes
    std::uint64_t iterations = 1'000'000;                  ///< of all ranges together
    std::uint64_t intermediate = std::uint64_t{256} << 20; ///< bytes of all texts and lists made by functions together
};

/// Answers `.Name "argument"` on an object, as the methods of Docker's rows do (`.Label "key"`);
/// nothing when `name` is no method of `receiver`.
using TemplateMethod = std::function<std::optional<Value>(const Value& receiver, std::string_view name,
                                                          const std::vector<Value>& arguments)>;

struct ExecuteOptions {
    MissingKey missing_key = MissingKey::no_value;
    /// The data are headings: functions that work on one field (upper, json, index …) and members
    /// leave them as they are.
    bool headings = false;
    TemplateMethod method = {};
    TemplateLimits limits = {};
};

/// A member of the data that a template names, outside any block in which "." is something else.
struct RootField {
    std::string name;
    std::size_t line;
    std::size_t column;
    bool has_arguments; ///< `.Label "key"`
};

class Template {
public:
    /// At most 64 KiB of text, nested at most 100 deep. Throws TemplateError.
    static Template parse(std::string_view text, const ParseOptions& = {});
    ~Template();
    Template(Template&&) noexcept;
    Template& operator=(Template&&) noexcept;

    /// The whole output; nothing of it is given when the execution fails. Throws TemplateError.
    std::string execute(const Value& data, const ExecuteOptions& = {}) const;

    /// In the order of the text; `uses_everything()` says that "." itself is used too, as by
    /// `{{json .}}`.
    const std::vector<RootField>& root_fields() const;
    bool uses_everything() const;
    /// True for `{{range .}}…{{end}}`: the text wants the list of all rows, as Podman lets users
    /// write it.
    bool ranges_over_dot() const;
    /// True when the text ends in a new line outside any action.
    bool ends_with_newline() const;

private:
    Template();
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace kist::cli
