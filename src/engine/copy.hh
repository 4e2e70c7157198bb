// SPDX-License-Identifier: Apache-2.0
// cp: files between the host and containers.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/engine.hh"

namespace kist::engine {

/// "web:/etc/hosts", "/tmp/x", "./a:b", "-".
struct CopyEnd {
    std::string container; ///< empty: the host
    std::string path;
    bool is_stream() const { return container.empty() && path == "-"; }
    bool operator==(const CopyEnd&) const = default;
};
/// A text before the first colon is a container unless it has a slash or the whole begins with a dot. Pure. Throws UsageError.
CopyEnd parse_copy_end(const std::string& text);

struct CopyOptions {
    bool archive = false;     ///< owners by number, setuid bits, capabilities, ACLs and devices
    bool follow_link = false; ///< the source itself, if it is a link
    bool overwrite = false;
    std::string chown; ///< USER[:GROUP] of the container; empty: its configured user
    std::function<void(const std::string&)> warn;
};
/// Exactly one end, or both, is a container; the other one may be "-": a tar from standard input or to standard output.
void copy(Engine&, const CopyEnd& from, const CopyEnd& to, const CopyOptions&);

} // namespace kist::engine
