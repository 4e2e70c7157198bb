// SPDX-License-Identifier: Apache-2.0
// Capability names and sets, and dropping to them (capabilities(7), libcap).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// The 14 of SEEDS A037, sorted, as "CAP_CHOWN".
const std::vector<std::string>& default_capabilities();
/// What the running kernel knows and our own bounding set still holds (a host may itself lack some:
/// nothing beyond these can be granted), by number.
std::vector<std::string> all_capabilities();
/// "chown", "CAP_CHOWN", "cap_chown" → "CAP_CHOWN"; "all" → "ALL"; nothing for an unknown one.
std::optional<std::string> normalize_capability(std::string_view text);
/// `base` plus and minus what --cap-add and --cap-drop say ("ALL" on either side as Docker's
/// rules), sorted. Of `base` only what is `available`; an added one that is not is an Error. Throws
/// UsageError for an unknown name.
std::vector<std::string> apply_capability_options(const std::vector<std::string>& base,
                                                  const std::vector<std::string>& add,
                                                  const std::vector<std::string>& drop,
                                                  const std::vector<std::string>& available = all_capabilities());
/// P12: bounding = permitted = effective = `list`, inheritable and ambient empty; for a non-root
/// user permitted and effective are emptied by set_process_capabilities.
Capabilities capability_sets(const std::vector<std::string>& list);

/// In the container's process, in this order around the change of user: limit_bounding_set,
/// (PR_SET_KEEPCAPS when ambient ones are asked for) set ids, set_process_capabilities.
void limit_bounding_set(const Capabilities&);
/// Ambient become those that are permitted and inheritable too.
/// For a user other than root only the ambient ones stay permitted and effective: exec would take
/// away the rest anyhow.
void set_process_capabilities(const Capabilities&, bool root_user);

} // namespace kist::oci
