// SPDX-License-Identifier: Apache-2.0
#include "runtime/criu/arguments.hh"

#include "base/error.hh"
#include "base/text.hh"

namespace kist::runtime::criu {

namespace {

CgroupMode parse_mode(const std::string& word) {
    if (word == "soft") return CgroupMode::soft;
    if (word == "full") return CgroupMode::full;
    if (word == "strict") return CgroupMode::strict;
    if (word == "ignore") return CgroupMode::ignore;
    throw UsageError("invalid value '{}' for --manage-cgroups-mode: expected soft, full, strict or ignore",
                     printable(word));
}

} // namespace

void set_wishes(Wishes& wishes, const Arguments& given) {
    wishes.auto_dedup = given.auto_dedup;
    wishes.ext_unix_sk = given.ext_unix_sk;
    wishes.file_locks = given.file_locks;
    wishes.link_remap = given.link_remap;
    wishes.shell_job = given.shell_job;
    wishes.tcp_established = given.tcp_established;
    wishes.cgroups = parse_mode(given.manage_cgroups_mode);
    for (const std::string& kind : given.empty_ns) {
        if (kind != "network")
            throw UsageError("invalid value '{}' for --empty-ns: only 'network' can be left empty", printable(kind));
        wishes.empty_network = true;
    }
    if (given.image_path.empty()) throw UsageError("--image-path: expected a path");
}

} // namespace kist::runtime::criu
