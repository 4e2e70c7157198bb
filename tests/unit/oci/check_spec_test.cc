// SPDX-License-Identifier: Apache-2.0
#include "oci/run/check_spec.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"
#include "oci/run/mount_plan.hh"
#include "oci/run/namespaces.hh"
#include "oci/run/scheduling.hh"
#include "oci/run/user_namespace.hh"
#include "oci/spec/spec_json.hh"

using namespace kist;
using namespace kist::oci;

namespace {

const CgroupHost v2 = [] {
    CgroupHost host = CgroupHost::parse("1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    host.unified_controllers = {"cpu", "memory", "io", "pids", "hugetlb", "rdma"};
    return host;
}();
const CgroupHost v1 = CgroupHost::parse(
    "1 0 0:1 / /c/blkio rw - cgroup cgroup rw,blkio\n2 0 0:2 / /c/cpu rw - cgroup cgroup rw,cpu\n"
    "3 0 0:3 / /c/net rw - cgroup cgroup rw,net_cls,net_prio\n4 0 0:4 / /c/huge rw - cgroup cgroup rw,hugetlb\n");

/// What is wrong with the document in which `member` replaces the one of that name; "" when nothing is.
std::string problem(const std::string& process = "", const std::string& linux_part = "", const std::string& rest = "") {
    const std::string text =
        R"({"ociVersion":"1.2.0","root":{"path":"rootfs"},"process":{"user":{},"cwd":"/","args":["sh"])" + process +
        R"(},"linux":{"namespaces":[{"type":"mount"})" + linux_part + "}" + rest + "}";
    try {
        check_spec(parse_spec(text, "config.json"), v2, "config.json");
        return "";
    } catch (const Error& error) {
        return error.message();
    }
}
/// Behind the list of namespaces.
std::string linux_problem(const std::string& members) { return problem("", "]," + members); }

std::vector<CgroupWrite> writes(const CgroupHost& host, const std::string& resources) {
    return plan_cgroup(
        host, parse_spec(R"({"ociVersion":"1.2.0","linux":{"resources":)" + resources + "}}", "x").linux_.resources);
}

} // namespace

TEST_CASE("a plain spec has nothing wrong") { CHECK(problem("", "]") == ""); }

TEST_CASE("wrong types and values are named by file and path") {
    CHECK(linux_problem(R"("resources":{"memory":{"limit":"1g"}})") ==
          "config.json: linux.resources.memory.limit: expected an integer");
    CHECK(problem(R"(,"rlimits":[{"type":"RLIMIT_X","hard":1,"soft":1}])", "]") ==
          "config.json: process.rlimits[0].type: unknown limit 'RLIMIT_X'");
    CHECK(problem(R"(,"rlimits":[{"type":"RLIMIT_CORE","hard":1,"soft":2}])", "]") ==
          "config.json: process.rlimits[0]: the soft value 2 is over the hard 1");
    CHECK(problem(R"(,"oomScoreAdj":2000)", "]") ==
          "config.json: process.oomScoreAdj: expected a number from -1000 to 1000");
    CHECK(problem(R"(,"scheduler":{"policy":"SCHED_X"})", "]") ==
          "config.json: process.scheduler.policy: unknown word 'SCHED_X'");
    CHECK(problem(R"(,"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":8})", "]") ==
          "config.json: process.ioPriority.priority: expected a number from 0 to 7");
    CHECK(problem(R"(,"execCPUAffinity":{"initial":"0-x"})", "]") ==
          "config.json: process.execCPUAffinity: '0-x' is no list of processors");
    CHECK(linux_problem(R"("personality":{"domain":"BSD"})") ==
          "config.json: linux.personality.domain: unknown word 'BSD'");
    CHECK(linux_problem(R"("timeOffsets":{"monotonic":{"secs":1}})") ==
          "config.json: linux.timeOffsets: they need a new 'time' namespace");
    CHECK(linux_problem(R"("sysctl":{"kernel.panic":"1"})") ==
          "config.json: sysctl 'kernel.panic' does not belong to a container; it would change the host");
}

TEST_CASE("what this runtime does not do is refused by name, what nobody knows is ignored") {
    CHECK(linux_problem(R"("intelRdt":{"closID":"x"})") == "config.json: linux.intelRdt: Intel RDT is not supported");
    CHECK(linux_problem(R"("resources":{"memory":{"kernel":1}})") ==
          "config.json: linux.resources.memory.kernel: kernels have no such limit any more");
    for (const std::string name : {"vm", "solaris", "windows", "zos"})
        CHECK(problem("", "]", ",\"" + name + "\":{}").starts_with("config.json: " + name + ": this "));
    CHECK(problem(R"(,"whatever":1)", R"(],"new":{})", R"(,"x":[1])") == "");
    CHECK(linux_problem(R"("intelRdt":null)") == "");
}

TEST_CASE("a user namespace needs maps with a root, without overlaps") {
    const std::string user = R"(,{"type":"user"}],)";
    CHECK(problem("", R"(,{"type":"user"}])") ==
          "config.json: linux.uidMappings: id 0, the container's root, is not mapped");
    const std::string good = R"([{"containerID":0,"hostID":100000,"size":65536}])";
    CHECK(problem("", user + R"("uidMappings":)" + good + R"(,"gidMappings":)" + good) == "");
    const std::string twice = R"([{"containerID":0,"hostID":1,"size":10},{"containerID":9,"hostID":50,"size":1}])";
    CHECK(problem("", user + R"("uidMappings":)" + twice + R"(,"gidMappings":)" + good) ==
          "config.json: linux.uidMappings[1]: overlaps with range 0");
    const std::string empty = R"([{"containerID":0,"hostID":1,"size":0}])";
    CHECK(problem("", user + R"("uidMappings":)" + good + R"(,"gidMappings":)" + empty) ==
          "config.json: linux.gidMappings[0].size: expected a number above 0");
    CHECK(linux_problem(R"("uidMappings":)" + good) ==
          "config.json: linux.uidMappings and gidMappings: without a 'user' namespace they map nothing");
    CHECK_THROWS_AS(check_ranges({{0, 4294967290u, 100}}, "x"), Error);
    CHECK_THROWS_AS(check_ranges(IdMap(341, IdMapping{0, 0, 1}), "x"), Error);
}

TEST_CASE("idmapped mounts are binds, with both maps or the container's") {
    const auto mount = [](const std::string& members) {
        return problem("", "]", R"(,"mounts":[{"destination":"/a","source":"/b",)" + members + "}]");
    };
    CHECK(mount(R"("options":["bind","idmap"])") == "");
    CHECK(mount(R"("type":"tmpfs","options":["idmap"])") ==
          "config.json: mounting '/a': ids can be mapped of a bind mount only");
    CHECK(mount(R"("options":["bind"],"uidMappings":[{"containerID":0,"hostID":1,"size":1}])") ==
          "config.json: mounting '/a': uidMappings and gidMappings come together");
    Spec spec;
    spec.mounts = {{.destination = "/a",
                    .type = "bind",
                    .source = "/b",
                    .options = {"ridmap"},
                    .uid_mappings = {{0, 1, 1}},
                    .gid_mappings = {{0, 2, 1}}}};
    const RootPlan plan = plan_root(spec);
    CHECK(plan.steps.at(0).options.idmap == Idmap::tree);
    CHECK(plan.steps.at(0).gid_map == IdMap{{0, 2, 1}});
}

TEST_CASE("too many mounts are refused before any is made") {
    Spec spec;
    spec.linux_.namespaces = {{NamespaceType::mount, ""}};
    spec.mounts.assign(
        20'001,
        {.destination = "/a", .type = "tmpfs", .source = "", .options = {}, .uid_mappings = {}, .gid_mappings = {}});
    CHECK_THROWS_AS(check_spec(spec, v2, "config.json"), Error);
}

TEST_CASE("block IO limits by hierarchy version") {
    const std::string limits = R"({"blockIO":{"weight":500,"weightDevice":[{"major":8,"minor":0,"weight":1000}],
        "throttleReadBpsDevice":[{"major":8,"minor":0,"rate":100}],"throttleWriteIOPSDevice":[{"major":8,"minor":16,"rate":7}]}})";
    CHECK(writes(v1, limits) == std::vector<CgroupWrite>{{"/c/blkio", "blkio.bfq.weight", "500"},
                                                         {"/c/blkio", "blkio.bfq.weight_device", "8:0 1000"},
                                                         {"/c/blkio", "blkio.throttle.read_bps_device", "8:0 100"},
                                                         {"/c/blkio", "blkio.throttle.write_iops_device", "8:16 7"}});
    const auto either = CgroupWrite::Need::this_or_next;
    CHECK(writes(v2, limits) == std::vector<CgroupWrite>{{"/sys/fs/cgroup", "io.bfq.weight", "500", either},
                                                         {"/sys/fs/cgroup", "io.weight", "4950"},
                                                         {"/sys/fs/cgroup", "io.bfq.weight", "8:0 1000", either},
                                                         {"/sys/fs/cgroup", "io.weight", "8:0 10000"},
                                                         {"/sys/fs/cgroup", "io.max", "8:0 rbps=100"},
                                                         {"/sys/fs/cgroup", "io.max", "8:16 wiops=7"}});
    CHECK_THROWS_AS(writes(v2, R"({"blockIO":{"weight":5}})"), Error);
    CHECK_THROWS_AS(writes(v2, R"({"blockIO":{"leafWeight":50}})"), Error);
}

TEST_CASE("huge pages, RDMA, network classes and details of processor time") {
    CHECK(writes(v1, R"({"hugepageLimits":[{"pageSize":"2MB","limit":4}]})").at(0).file ==
          "hugetlb.2MB.limit_in_bytes");
    CHECK(writes(v2, R"({"hugepageLimits":[{"pageSize":"2MB","limit":4}]})") ==
          std::vector<CgroupWrite>{{"/sys/fs/cgroup", "hugetlb.2MB.max", "4"}});
    CHECK_THROWS_AS(writes(v2, R"({"hugepageLimits":[{"pageSize":"../../x","limit":4}]})"), Error);
    CHECK(writes(v2, R"({"rdma":{"mlx5_1":{"hcaHandles":3,"hcaObjects":4}}})").at(0).value ==
          "mlx5_1 hca_handle=3 hca_object=4");
    CHECK(writes(v1, R"({"network":{"classID":16,"priorities":[{"name":"eth0","priority":5}]}})") ==
          std::vector<CgroupWrite>{{"/c/net", "net_cls.classid", "16"}, {"/c/net", "net_prio.ifpriomap", "eth0 5"}});
    CHECK_THROWS_AS(writes(v2, R"({"network":{"classID":16}})"), Error);
    CHECK(writes(v2, R"({"cpu":{"burst":5,"idle":1}})") ==
          std::vector<CgroupWrite>{{"/sys/fs/cgroup", "cpu.max.burst", "5"}, {"/sys/fs/cgroup", "cpu.idle", "1"}});
    CHECK(writes(v1, R"({"cpu":{"burst":5,"realtimeRuntime":1,"realtimePeriod":2}})").size() == 3);
    CHECK_THROWS_AS(writes(v2, R"({"cpu":{"realtimeRuntime":1}})"), Error);
}
