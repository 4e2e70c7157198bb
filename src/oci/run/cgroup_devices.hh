// SPDX-License-Identifier: Apache-2.0
// Device rules in the two forms the kernel takes: lines for v1's devices.allow and devices.deny, a
// BPF program for v2. The rules' meaning is the same in both: the last rule that matches decides,
// and what no rule names is denied, so a forgotten first "deny all" cannot open every device
// (GHSA-g54h-m393-cpwq).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <linux/bpf.h>

#include "base/fd.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// (file, value) in order. Throws Error for a malformed rule, and for a "deny" that v1 could not
/// carry out: it cannot take a part out of a wider "allow".
std::vector<std::pair<std::string, std::string>> device_writes_v1(const std::vector<DeviceRule>& rules);

/// A BPF_PROG_TYPE_CGROUP_DEVICE program: struct bpf_cgroup_dev_ctx in, 1 allows.
std::vector<bpf_insn> device_program_v2(const std::vector<DeviceRule>& rules);
/// Loads the program and attaches it to the v2 folder; it goes when the folder does. Replaces one
/// attached before.
void attach_device_program(const Fd& folder, const std::vector<bpf_insn>& program);

} // namespace kist::oci
