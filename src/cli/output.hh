// SPDX-License-Identifier: Apache-2.0
// What commands print: results on stdout, everything else on stderr.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hh"
#include "base/value.hh"

namespace kist::cli {

/// The whole text at once. Throws SysError (a full disk, a closed pipe): a result that nobody got is a failure.
void print(std::string_view text);
void print_line(std::string_view text);
/// Indented JSON and a new line, as inspect prints it.
void print_json(const Value&);

/// "kist: <message>" and the hint on a second line, on stderr. For main and the per-name loops only.
void print_error(const Error&);
/// On stderr as it is.
void complain(std::string_view text) noexcept;
void print_warning(const std::string& text);

/// Asks on stderr, reads a line of stdin; true for y and yes.
bool confirm(std::string_view question);

/// Calls act(name) for each; an Error of one is printed and the others go on. The exit code: 1 when any failed.
template <typename Act>
int for_each(const std::vector<std::string>& names, Act act) {
    int code = 0;
    for (const std::string& name : names) {
        try {
            act(name);
        } catch (const Error& error) {
            print_error(error);
            code = static_cast<int>(ExitCode::failure);
        }
    }
    return code;
}

} // namespace kist::cli
