// SPDX-License-Identifier: Apache-2.0
// Hosts of every kind and the values a limit becomes on them; device rules in both forms.
#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"
#include "oci/run/cgroup.hh"
#include "oci/run/cgroup_devices.hh"

using namespace kist;
using namespace kist::oci;

namespace {

CgroupHost v1_host() {
    CgroupHost host;
    host.kind = CgroupHost::Kind::v1;
    for (const char* name : {"memory", "cpu", "cpuset", "pids", "devices"}) host.v1[name] = "/c/" + std::string(name);
    return host;
}
CgroupHost v2_host() {
    CgroupHost host;
    host.unified = "/c";
    host.unified_controllers = {"memory", "cpu", "cpuset", "pids", "io"};
    return host;
}
using Writes = std::vector<CgroupWrite>;

Resources memory(const MemoryLimits& limits) {
    Resources resources;
    resources.memory = limits;
    return resources;
}
Resources cpu(const CpuLimits& limits) {
    Resources resources;
    resources.cpu = limits;
    return resources;
}
std::string weight(std::uint64_t shares) {
    CpuLimits limits;
    limits.shares = shares;
    return plan_cgroup(v2_host(), cpu(limits)).at(0).value;
}

DeviceRule allow(const char* type, std::optional<std::int64_t> major, std::optional<std::int64_t> minor,
                 const char* access) {
    return {true, type, major, minor, access};
}
DeviceRule deny(const char* type, std::optional<std::int64_t> major, std::optional<std::int64_t> minor,
                const char* access) {
    return {false, type, major, minor, access};
}

/// Runs the program as the kernel would; only the instructions that ours has.
bool runs_to(const std::vector<bpf_insn>& program, const bpf_cgroup_dev_ctx& request) {
    std::uint64_t registers[11] = {};
    const auto* bytes = reinterpret_cast<const unsigned char*>(&request);
    for (std::size_t at = 0; at < program.size(); ++at) {
        const bpf_insn& i = program[at];
        std::uint64_t& to = registers[i.dst_reg];
        const auto value = static_cast<std::uint32_t>(i.imm);
        switch (i.code) {
        case BPF_LDX | BPF_MEM | BPF_W: {
            std::uint32_t word = 0;
            std::copy_n(bytes + i.off, sizeof word, reinterpret_cast<unsigned char*>(&word));
            to = word;
            break;
        }
        case BPF_ALU | BPF_K | BPF_AND: to = static_cast<std::uint32_t>(to) & value; break;
        case BPF_ALU | BPF_K | BPF_RSH: to = static_cast<std::uint32_t>(to) >> value; break;
        case BPF_ALU | BPF_K | BPF_MOV: to = value; break;
        case BPF_ALU | BPF_X | BPF_MOV: to = static_cast<std::uint32_t>(registers[i.src_reg]); break;
        case BPF_JMP | BPF_K | BPF_JNE: at += to != value ? static_cast<std::size_t>(i.off) : 0; break;
        case BPF_JMP | BPF_K | BPF_JEQ: at += to == value ? static_cast<std::size_t>(i.off) : 0; break;
        case BPF_JMP | BPF_EXIT: return registers[0] == 1;
        default: FAIL("unexpected instruction " << int{i.code});
        }
    }
    FAIL("the program has no end");
    return false;
}

bool may(const std::vector<DeviceRule>& rules, char type, std::uint32_t major, std::uint32_t minor,
         std::string_view access) {
    std::uint32_t bits = 0;
    for (const char c : access)
        bits |= c == 'r' ? BPF_DEVCG_ACC_READ : c == 'w' ? BPF_DEVCG_ACC_WRITE : BPF_DEVCG_ACC_MKNOD;
    const std::uint32_t kind = type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
    return runs_to(device_program_v2(rules), {.access_type = bits << 16 | kind, .major = major, .minor = minor});
}

} // namespace

TEST_CASE("mountinfo tells v1, hybrid and v2 hosts apart") {
    const auto hybrid = CgroupHost::parse(
        "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:4 master:2 - cgroup cgroup "
        "rw,cpu,cpuacct\n"
        "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup "
        "rw,xattr,release_agent=/x,name=systemd\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n");
    CHECK(hybrid.kind == CgroupHost::Kind::hybrid);
    CHECK(hybrid.unified == "/sys/fs/cgroup/unified");
    CHECK(hybrid.v1_mount("cpu") == "/sys/fs/cgroup/cpu,cpuacct");
    CHECK(hybrid.v1_mount("cpuacct") == "/sys/fs/cgroup/cpu,cpuacct");
    CHECK(hybrid.v1_mount("name=systemd") == "/sys/fs/cgroup/systemd");
    CHECK(hybrid.v1.size() == 4);

    const auto v2 = CgroupHost::parse("24 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    CHECK(v2.kind == CgroupHost::Kind::v2);
    const auto v1 = CgroupHost::parse("24 1 0:22 / /c\\040g/pids rw - cgroup cgroup rw,pids\n");
    CHECK(v1.kind == CgroupHost::Kind::v1);
    CHECK(v1.v1_mount("pids") == "/c g/pids");
}

TEST_CASE("damaged mountinfo lines are passed over") {
    for (const char* text :
         {"", "\n\n", " - cgroup", "1 2 3 - cgroup cgroup rw,pids", "x - cgroup2", "a b c d e f - cgroupx y z"}) {
        CAPTURE(text);
        CHECK(CgroupHost::parse(text).v1_mount("memory").empty());
    }
}

TEST_CASE("memory limits on v1 and v2") {
    MemoryLimits limits;
    limits.limit = 64 << 20;
    limits.swap = 96 << 20;
    limits.reservation = 32 << 20;
    CHECK(plan_cgroup(v1_host(), memory(limits)) == Writes{{"/c/memory", "memory.limit_in_bytes", "67108864"},
                                                           {"/c/memory", "memory.memsw.limit_in_bytes", "100663296"},
                                                           {"/c/memory", "memory.soft_limit_in_bytes", "33554432"}});
    CHECK(plan_cgroup(v2_host(), memory(limits)) == Writes{{"/c", "memory.max", "67108864"},
                                                           {"/c", "memory.swap.max", "33554432"},
                                                           {"/c", "memory.low", "33554432"}});
    limits = {};
    limits.limit = -1;
    limits.swap = -1;
    CHECK(plan_cgroup(v2_host(), memory(limits)) ==
          Writes{{"/c", "memory.max", "max"}, {"/c", "memory.swap.max", "max"}});
    CHECK(plan_cgroup(v1_host(), memory(limits)).at(0).value == "-1");
}

TEST_CASE("what v2 cannot do is an error, not silence") {
    MemoryLimits limits;
    limits.swappiness = 10;
    CHECK_THROWS_AS(plan_cgroup(v2_host(), memory(limits)), Error);
    CHECK(plan_cgroup(v1_host(), memory(limits)).at(0).value == "10");
    limits = {};
    limits.disable_oom_killer = true;
    CHECK_THROWS_AS(plan_cgroup(v2_host(), memory(limits)), Error);
    limits = {};
    limits.swap = 100;
    CHECK_THROWS_AS(plan_cgroup(v2_host(), memory(limits)), Error); // swap without memory
    limits.limit = 200;
    CHECK_THROWS_AS(plan_cgroup(v2_host(), memory(limits)), Error); // less than memory
}

TEST_CASE("processor limits on v1 and v2") {
    CpuLimits limits;
    limits.shares = 512;
    limits.quota = 50000;
    limits.period = 200000;
    limits.cpus = "0-1";
    limits.mems = "0";
    CHECK(plan_cgroup(v1_host(), cpu(limits)) == Writes{{"/c/cpu", "cpu.shares", "512"},
                                                        {"/c/cpu", "cpu.cfs_period_us", "200000"},
                                                        {"/c/cpu", "cpu.cfs_quota_us", "50000"},
                                                        {"/c/cpuset", "cpuset.cpus", "0-1"},
                                                        {"/c/cpuset", "cpuset.mems", "0"}});
    CHECK(plan_cgroup(v2_host(), cpu(limits)).at(1) == CgroupWrite{"/c", "cpu.max", "50000 200000"});
    limits = {};
    limits.quota = -1;
    CHECK(plan_cgroup(v2_host(), cpu(limits)) == Writes{{"/c", "cpu.max", "max"}});
    limits = {};
    limits.quota = 150000;
    CHECK(plan_cgroup(v2_host(), cpu(limits)) == Writes{{"/c", "cpu.max", "150000"}});
    limits = {};
    limits.period = 50000;
    CHECK(plan_cgroup(v2_host(), cpu(limits)) == Writes{{"/c", "cpu.max", "max 50000"}});
    CHECK(plan_cgroup(v2_host(), cpu({})).empty());
}

TEST_CASE("shares become weights with both scales' ends and defaults in place") {
    CHECK(weight(2) == "1");
    CHECK(weight(1024) == "100");
    CHECK(weight(262144) == "10000");
    CHECK(weight(1) == "1");
    CHECK(weight(1'000'000) == "10000");
    CHECK(std::stoul(weight(512)) < 100);
    CHECK(std::stoul(weight(2048)) > 100);
}

TEST_CASE("the number of processes, and no limit") {
    Resources resources;
    resources.pids = PidsLimits{2048};
    CHECK(plan_cgroup(v1_host(), resources) == Writes{{"/c/pids", "pids.max", "2048"}});
    CHECK(plan_cgroup(v2_host(), resources) == Writes{{"/c", "pids.max", "2048"}});
    resources.pids = PidsLimits{-1};
    CHECK(plan_cgroup(v2_host(), resources) == Writes{{"/c", "pids.max", "max"}});
}

TEST_CASE("a limit whose controller the host does not have names it") {
    CgroupHost host = v1_host();
    host.v1.erase("pids");
    Resources resources;
    resources.pids = PidsLimits{5};
    try {
        plan_cgroup(host, resources);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.message() == "limiting the number of processes: this host has no cgroup controller 'pids'");
    }
    host.unified = "/u"; // hybrid: the one controller that is on v2 is used there
    host.unified_controllers = {"pids"};
    CHECK(plan_cgroup(host, resources) == Writes{{"/u", "pids.max", "5"}});
}

TEST_CASE("v2 values are written as given, but only to files of this tree") {
    Resources resources;
    resources.unified = {{"memory.high", "100"}, {"cgroup.max.depth", "3"}};
    CHECK(plan_cgroup(v2_host(), resources) == Writes{{"/c", "cgroup.max.depth", "3"}, {"/c", "memory.high", "100"}});
    CHECK_THROWS_AS(plan_cgroup(v1_host(), resources), Error);
    for (const char* name : {"../memory.max", "memory", "hugetlb.2MB.max", "a/b.c", ""}) {
        CAPTURE(name);
        resources.unified = {{name, "1"}};
        CHECK_THROWS_AS(plan_cgroup(v2_host(), resources), Error);
    }
}

TEST_CASE("device rules on v1 deny everything first, even when nobody says so") {
    using Lines = std::vector<std::pair<std::string, std::string>>;
    CHECK(device_writes_v1({allow("c", 1, 3, "rwm")}) == Lines{{"devices.deny", "a"}, {"devices.allow", "c 1:3 rwm"}});
    CHECK(device_writes_v1({deny("a", {}, {}, "rwm"), allow("c", 136, {}, "rw")}) ==
          Lines{{"devices.deny", "a"}, {"devices.allow", "c 136:* rw"}});
    CHECK(device_writes_v1({deny("a", {}, {}, ""), allow("a", {}, {}, "rwm")}) == Lines{{"devices.allow", "a"}});
    CHECK(device_writes_v1({allow("a", 10, 200, "rwm")}) ==
          Lines{{"devices.deny", "a"}, {"devices.allow", "c 10:200 rwm"}, {"devices.allow", "b 10:200 rwm"}});
    // Docker's explicit "no fuse" beside "any node may be made" is no contradiction, and needs no
    // write.
    CHECK(device_writes_v1({allow("c", {}, {}, "m"), deny("c", 10, 229, "rwm")}).size() == 2);
    CHECK_THROWS_AS(device_writes_v1({allow("c", 10, {}, "rwm"), deny("c", 10, 229, "rwm")}), Error);
}

TEST_CASE("the device program of v2 decides like the rules say") {
    const std::vector<DeviceRule> rules{deny("a", {}, {}, "rwm"), allow("c", 1, 3, "rwm"), allow("c", 136, {}, "r"),
                                        allow("c", 136, {}, "w"), allow("b", 8, 0, "r"),   allow("c", {}, {}, "m"),
                                        deny("c", 136, 7, "w")};
    CHECK(may(rules, 'c', 1, 3, "rw"));
    CHECK(may(rules, 'c', 1, 3, "rwm"));
    CHECK_FALSE(may(rules, 'b', 1, 3, "r"));
    CHECK_FALSE(may(rules, 'c', 1, 4, "r"));
    CHECK(may(rules, 'c', 136, 5, "rw")); // from two rules together
    CHECK(may(rules, 'c', 136, 7, "r"));
    CHECK_FALSE(may(rules, 'c', 136, 7, "rw"));
    CHECK(may(rules, 'b', 8, 0, "r"));
    CHECK_FALSE(may(rules, 'b', 8, 0, "rw"));
    CHECK(may(rules, 'c', 99, 99, "m"));
    CHECK_FALSE(may(rules, 'b', 99, 99, "m"));
    CHECK_FALSE(may(rules, 'c', 99, 99, "rm"));
    CHECK_FALSE(may({allow("c", 1, 3, "r")}, 'c', 1, 5, "r")); // nothing said about it: denied
    CHECK(may({allow("a", {}, {}, "rwm")}, 'b', 8, 0, "rwm"));
    CHECK_FALSE(may({allow("a", {}, {}, "rwm"), deny("b", 8, {}, "w")}, 'b', 8, 1, "rw"));
}

TEST_CASE("malformed device rules are refused") {
    for (const DeviceRule& rule : {allow("x", 1, 3, "r"), allow("c", 1, 3, "rx"), allow("c", -2, 3, "r"),
                                   allow("c", 1, 1 << 20, "r"), allow("c", 4096, 1, "r"), allow("cb", 1, 1, "r")}) {
        CHECK_THROWS_AS(device_writes_v1({rule}), Error);
        CHECK_THROWS_AS(device_program_v2({rule}), Error);
    }
}
