// SPDX-License-Identifier: Apache-2.0
// "-u name:group" against the passwd and group files of the container's root, read as the untrusted
// data they are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.hh"

namespace kist::oci {

struct ResolvedUser {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups; ///< supplementary, primary included (P13)
    std::string home = "/";
    std::string name; ///< empty when passwd has no entry
};

/// `user` as "", "name", "uid", "name:group", "uid:gid", ":group" forms; an all-digit part is never
/// looked up as a name (P14). Throws Error "unable to find user web: no matching entries in passwd
/// file" (Docker's words).
ResolvedUser resolve_user(const Fd& root, const std::string& user, const std::vector<std::string>& group_add);

} // namespace kist::oci
