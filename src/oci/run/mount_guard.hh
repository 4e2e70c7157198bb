// SPDX-License-Identifier: Apache-2.0
// What may be mounted over or below /proc: the kernel's answers there steer security decisions of programs and of ourselves
// (CVE-2019-16884, CVE-2025-52881), so only procfs itself and ten harmless files may be covered.
#pragma once

#include <string_view>

#include "base/fd.hh"

namespace kist::oci {

struct MountStep;

/// On the words of the plan. Throws Error.
void check_below_proc(const MountStep&);
/// On what was opened: `target` is on procfs although its path did not say so (through a link), or the other way round a
/// bind onto /proc whose `source` is no procfs root. Throws Error.
void check_target(const MountStep&, const Fd& target);
void check_proc_source(const MountStep&, const Fd& source);
/// True for a root of procfs, told by magic number and inode.
bool is_proc_root(const Fd&);
bool is_on_proc(const Fd&);

} // namespace kist::oci
