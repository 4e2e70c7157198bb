// SPDX-License-Identifier: Apache-2.0
// Streams and terminals of a foreground container.
#include "cli/foreground.hh"

#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::cli {

engine::AttachOptions attach_options(const engine::CreateOptions& o) {
    if (o.attach.empty()) return {.stdin_ = o.interactive};
    engine::AttachOptions result{.stdin_ = false, .stdout_ = false, .stderr_ = false};
    for (const std::string& stream : o.attach) {
        const std::string name = to_lower(stream);
        if (name == "stdin") result.stdin_ = true;
        else if (name == "stdout") result.stdout_ = true;
        else if (name == "stderr") result.stderr_ = true;
        else throw UsageError("invalid value '{}' for --attach: expected stdin, stdout or stderr", printable(stream));
    }
    return result;
}

void require_terminal() {
    if (::isatty(STDIN_FILENO) == 0)
        throw Error("the input device is not a TTY").with_hint("Leave out --tty, or run kist in a terminal.");
}

} // namespace kist::cli
