// SPDX-License-Identifier: Apache-2.0
// The two roots: what must survive power loss (data) and what must not outlive a boot (run). DESIGN section 4.
#pragma once

#include <string>

#include "base/file.hh"

namespace kist::storage {

struct StorePaths {
    std::string data_root = "/var/lib/kist";
    std::string run_root = "/run/kist";
};

/// Opened roots. A root that is not empty and does not carry our marker is refused, and nothing in it is changed
/// (SEEDS A203). Both are 0700 root:root.
class Store {
public:
    /// Makes what is missing (marker, folders). `driver` empty: the recorded one, or overlay for a new store; another one
    /// than recorded is an Error ("overlay2" is the same as overlay). Cheap when everything exists: a handful of opens.
    /// Of the folders of DESIGN section 4 any may be missing after a crash: writers use Dir::create_dir.
    enum class HostCheck { yes, no };
    /// A new store for overlay is not made (Error) on a kernel or file system that cannot do it, unless HostCheck::no.
    static Store open(const StorePaths&, const std::string& driver = "", HostCheck = HostCheck::yes);
    const Dir& data() const { return data_; }
    const Dir& run() const { return run_; }
    const std::string& driver() const { return driver_; } ///< "overlay" or "vfs"
    const StorePaths& paths() const { return paths_; }    ///< absolute

private:
    StorePaths paths_;
    Dir data_;
    Dir run_;
    std::string driver_;
};

} // namespace kist::storage
