// SPDX-License-Identifier: Apache-2.0
// --cap-add and --cap-drop as Docker reads them, and the sets of P12.
#include "oci/run/capabilities.hh"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"

using namespace kist;
using namespace kist::oci;
using Names = std::vector<std::string>;

namespace {
const Names base{"CAP_CHOWN", "CAP_KILL", "CAP_MKNOD"};
const Names available{"CAP_CHOWN", "CAP_KILL", "CAP_MKNOD", "CAP_NET_ADMIN", "CAP_SYS_ADMIN"};

Names apply(const Names& add, const Names& drop) { return apply_capability_options(base, add, drop, available); }
} // namespace

TEST_CASE("the default set is the 14 of Docker, sorted and known") {
    const Names& names = default_capabilities();
    CHECK(names.size() == 14);
    CHECK(std::is_sorted(names.begin(), names.end()));
    for (const std::string& name : names) CHECK(normalize_capability(name) == name);
}

TEST_CASE("a capability may be written with or without prefix, in any case") {
    for (const char* text : {"net_admin", "NET_ADMIN", "cap_net_admin", "CAP_NET_ADMIN", "Cap_Net_Admin"})
        CHECK(normalize_capability(text) == "CAP_NET_ADMIN");
    CHECK(normalize_capability("all") == "ALL");
    for (const char* text :
         {"", "cap_", "net-admin", "12", "CAP_12", "cap_chown ", "chown,kill", "CAP_CAP_CHOWN", "CAP_ALL"}) {
        CAPTURE(text);
        CHECK_FALSE(normalize_capability(text).has_value());
    }
}

TEST_CASE("adding and dropping follow Docker's rules") {
    CHECK(apply({}, {}) == base);
    CHECK(apply({"net_admin"}, {}) == Names{"CAP_CHOWN", "CAP_KILL", "CAP_MKNOD", "CAP_NET_ADMIN"});
    CHECK(apply({}, {"mknod"}) == Names{"CAP_CHOWN", "CAP_KILL"});
    CHECK(apply({}, {"all"}).empty());
    CHECK(apply({"kill"}, {"ALL"}) == Names{"CAP_KILL"});
    CHECK(apply({"ALL"}, {}) == available);
    CHECK(apply({"ALL"}, {"sys_admin", "kill"}) == Names{"CAP_CHOWN", "CAP_MKNOD", "CAP_NET_ADMIN"});
    CHECK(apply({"kill"}, {"kill"}) == base);
    CHECK(apply({"kill", "CAP_KILL"}, {}) == base);
}

TEST_CASE("what does not exist or cannot be given is refused, a default of ours is left out") {
    CHECK_THROWS_AS(apply({"sys_admim"}, {}), UsageError);
    CHECK_THROWS_AS(apply({}, {"nonsense"}), UsageError);
    CHECK_THROWS_AS(apply({"sys_resource"}, {}), Error); // not available
    CHECK(apply_capability_options({"CAP_CHOWN", "CAP_SYS_RESOURCE"}, {}, {}, available) == Names{"CAP_CHOWN"});
}

TEST_CASE("inheritable and ambient capabilities are empty") {
    const Capabilities sets = capability_sets(base);
    CHECK(sets.bounding == base);
    CHECK(sets.permitted == base);
    CHECK(sets.effective == base);
    CHECK(sets.inheritable.empty());
    CHECK(sets.ambient.empty());
}

TEST_CASE("a process gives up everything it is told to, and an unknown name is an error") {
    const pid_t child = ::fork();
    if (child == 0) {
        try {
            set_process_capabilities(capability_sets({}), true);
            const std::string status = read_file("/proc/self/status", 1u << 16);
            const bool empty = status.find("CapEff:\t0000000000000000") != std::string::npos &&
                               status.find("CapPrm:\t0000000000000000") != std::string::npos &&
                               status.find("CapInh:\t0000000000000000") != std::string::npos;
            ::_exit(empty ? 0 : 1);
        } catch (...) {
            ::_exit(2);
        }
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK_THROWS_AS(limit_bounding_set(capability_sets({"CAP_NONSENSE"})), Error);
}
