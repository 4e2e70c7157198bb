// SPDX-License-Identifier: Apache-2.0
// What criu dumps and what it only names, and what it is given for that on restore.
#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include <sched.h>
#include <sys/mount.h>

#include "base/error.hh"
#include "runtime/criu/plan.hh"

using namespace kist;
using namespace kist::runtime::criu;
using oci::NamespaceType;
using Strings = std::vector<std::string>;
using Pairs = std::vector<Pair>;

namespace {

oci::Spec spec_with(std::vector<oci::Mount> mounts) {
    oci::Spec spec;
    spec.process.emplace();
    spec.mounts = std::move(mounts);
    spec.linux_.namespaces = {{NamespaceType::mount, ""}, {NamespaceType::pid, ""}};
    return spec;
}
oci::Mount bind(const std::string& to, const std::string& from, const std::string& word = "bind") {
    return {to, "bind", from, {word}};
}
oci::Mount tmpfs(const std::string& to) { return {to, "tmpfs", "tmpfs", {}}; }

bool has(const Pairs& all, const Pair& one) { return std::find(all.begin(), all.end(), one) != all.end(); }

Pairs dumped(const oci::Spec& spec, std::vector<MountLine> mounts) {
    CheckpointFacts facts;
    facts.mounts = std::move(mounts);
    return plan_checkpoint(spec, {}, facts).options.mounts;
}
RestorePlan restored(const oci::Spec& spec, const RestoreFacts& facts = {}) { return plan_restore(spec, {}, facts); }
Pairs given(const oci::Spec& spec, const RestoreFacts& facts = {}) { return restored(spec, facts).options.mounts; }
std::vector<MountPoint> points(const oci::Spec& spec) {
    RestoreFacts facts;
    facts.rootfs = "/r";
    return restored(spec, facts).points;
}

} // namespace

TEST_CASE("dump: the container's own file systems are dumped, the host's are named") {
    const oci::Spec spec = spec_with({{"/proc", "proc", "proc", {}}, tmpfs("/t"), bind("/data", "/host/data")});
    CHECK(dumped(spec, {{1, "/r", "/", "ext4"},
                        {2, "/", "/proc", "proc"},
                        {3, "/", "/t", "tmpfs"},
                        {4, "/host/data", "/data", "ext4"}}) == Pairs{{"/data", "/data"}});
}

TEST_CASE("dump: what a recursive bind brought along is the host's too, whatever its type") {
    const oci::Spec spec = spec_with({bind("/data", "/host", "rbind")});
    CHECK(
        dumped(spec, {{4, "/host", "/data", "ext4"}, {5, "/", "/data/below", "tmpfs"}, {6, "/", "/data2", "tmpfs"}}) ==
        Pairs{{"/data", "/data"}, {"/data/below", "/data/below"}});
}

TEST_CASE("dump: a file system in a bind is the container's, a bind in a file system the host's") {
    const oci::Spec spec = spec_with({bind("/data", "/host"), tmpfs("/data/t"), bind("/data/t/b", "/other")});
    CHECK(dumped(spec,
                 {{4, "/host", "/data", "ext4"}, {5, "/", "/data/t", "tmpfs"}, {6, "/other", "/data/t/b", "ext4"}}) ==
          Pairs{{"/data", "/data"}, {"/data/t/b", "/data/t/b"}});
}

TEST_CASE("dump: masked files are the host's null device, masked folders an empty file system of the container") {
    oci::Spec spec = spec_with({{"/proc", "proc", "proc", {}}, bind("/sys", "/sys", "rbind")});
    spec.linux_.masked_paths = {"/proc/kcore", "/proc/acpi", "/sys/firmware"};
    spec.linux_.readonly_paths = {"/proc/sys"};
    CHECK(dumped(spec, {{2, "/", "/proc", "proc"},
                        {3, "/null", "/proc/kcore", "devtmpfs"},
                        {4, "/", "/proc/acpi", "tmpfs"},
                        {5, "/sys", "/proc/sys", "proc"},
                        {6, "/", "/sys", "sysfs"},
                        {7, "/", "/sys/firmware", "tmpfs"}}) ==
          Pairs{{"/proc/kcore", "/proc/kcore"}, {"/sys", "/sys"}});
}

TEST_CASE("dump: control groups are the host's in both versions") {
    const oci::Spec spec = spec_with({{"/sys/fs/cgroup", "cgroup", "cgroup", {}}});
    CHECK(dumped(spec, {{4, "/kist-oci/c", "/sys/fs/cgroup", "cgroup2"}}).size() == 1);
    CHECK(dumped(spec, {{3, "/", "/sys/fs/cgroup", "tmpfs"}, {4, "/x", "/sys/fs/cgroup/pids", "cgroup"}}) ==
          Pairs{{"/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids"}});
}

TEST_CASE("dump: options become criu's") {
    CheckpointWishes wishes;
    wishes.tcp_established = wishes.leave_running = wishes.empty_network = true;
    wishes.cgroups = CgroupMode::strict;
    CheckpointFacts facts;
    facts.pid = 42;
    facts.rootfs = "/r";
    facts.freezer = "/sys/fs/cgroup/c";
    const Options options = plan_checkpoint(spec_with({}), wishes, facts).options;
    CHECK(options.pid == 42);
    CHECK(options.root == "/r");
    CHECK(options.log_file == "dump.log");
    CHECK(options.freeze_cgroup == "/sys/fs/cgroup/c");
    CHECK(options.tcp_established);
    CHECK(options.leave_running);
    CHECK(!options.shell_job);
    CHECK(!options.ext_unix_sk);
    CHECK(!options.file_locks);
    CHECK(!options.link_remap);
    CHECK(!options.track_mem);
    CHECK(options.orphan_pts_master);
    CHECK(options.empty_namespaces == CLONE_NEWNET);
    CHECK(options.cgroups == CgroupMode::strict);
    wishes = {};
    wishes.shell_job = wishes.ext_unix_sk = wishes.file_locks = wishes.link_remap = wishes.auto_dedup = true;
    const Options others = plan_checkpoint(spec_with({}), wishes, facts).options;
    CHECK((others.shell_job && others.ext_unix_sk && others.file_locks && others.link_remap && others.auto_dedup));
    CHECK(!others.tcp_established);
    CHECK(others.empty_namespaces == 0);
}

TEST_CASE("dump: memory is tracked for a pre-dump and after one") {
    CheckpointWishes wishes;
    wishes.pre_dump = true;
    CHECK(plan_checkpoint(spec_with({}), wishes, {}).options.track_mem);
    wishes = {};
    wishes.parent_images = "../1";
    const Options options = plan_checkpoint(spec_with({}), wishes, {}).options;
    CHECK(options.track_mem);
    CHECK(options.parent_images == "../1");
}

TEST_CASE("dump: streams: a pipe, a file of the host and one of the container") {
    CheckpointFacts facts;
    facts.mounts = {{30, "/", "/", "ext4"}};
    facts.streams = {{"pipe:[17]", 12, 17, false}, {"/var/log/x", 22, 0xabc, false}, {"/tmp/inside", 30, 5, false}};
    const CheckpointPlan plan = plan_checkpoint(spec_with({}), {}, facts);
    CHECK(plan.descriptors == Strings{"pipe:[17]", "file[16:abc]", "/tmp/inside"});
    CHECK(plan.options.external == Strings{"file[16:abc]"});
}

TEST_CASE("dump: streams: one file twice is named once, a terminal of the host is not named") {
    CheckpointFacts facts;
    facts.streams = {{"/dev/pts/3", 22, 6, true}, {"/x", 22, 7, false}, {"/x", 22, 7, false}};
    const CheckpointPlan plan = plan_checkpoint(spec_with({}), {}, facts);
    CHECK(plan.options.external == Strings{"file[16:7]"});
    CHECK(plan.descriptors == Strings{"/dev/pts/3", "file[16:7]", "file[16:7]"});
}

TEST_CASE("dump: namespaces of others are named by their inode") {
    CheckpointFacts facts;
    facts.joined = {{NamespaceType::network, 4026}, {NamespaceType::pid, 4027}, {NamespaceType::ipc, 4028}};
    CHECK(plan_checkpoint(spec_with({}), {}, facts).options.external ==
          Strings{"pid[4027]:extRootPidNS", "net[4026]:extRootNetNS"});
}

TEST_CASE("what could not be restored is refused by name, on dump and on restore") {
    const auto refused = [](const oci::Spec& spec) {
        CHECK_THROWS_AS(plan_checkpoint(spec, {}, {}), Error);
        CHECK_THROWS_AS(plan_restore(spec, {}, {}), Error);
    };
    refused(spec_with({bind("/a", "/b", "idmap")}));
    oci::Mount mapped = bind("/a", "/b");
    mapped.uid_mappings = mapped.gid_mappings = {{0, 1000, 1}};
    refused(spec_with({mapped}));
    oci::Mount below = bind("/a", "/b");
    below.options.emplace_back("kist.subpath=x");
    refused(spec_with({below}));
    for (const NamespaceType type : {NamespaceType::user, NamespaceType::cgroup, NamespaceType::time}) {
        oci::Spec spec = spec_with({});
        spec.linux_.namespaces.push_back({type, "/proc/1/ns/x"});
        refused(spec);
        spec.linux_.namespaces.back().path = "";
        CHECK_NOTHROW(plan_restore(spec, {}, {}));
    }
}

TEST_CASE("restore: binds come from their source, what is mounted below it too when recursive") {
    RestoreFacts facts;
    facts.mounts = {{1, "/", "/", "ext4"}, {2, "/", "/host/below", "tmpfs"}, {3, "/", "/hosts", "tmpfs"}};
    CHECK(has(given(spec_with({bind("/data", "/host", "rbind")}), facts), {"/data", "/host"}));
    CHECK(has(given(spec_with({bind("/data", "/host", "rbind")}), facts), {"/data/below", "/host/below"}));
    CHECK(!has(given(spec_with({bind("/data", "/host")}), facts), {"/data/below", "/host/below"}));
    for (const Pair& pair : given(spec_with({bind("/data", "/host", "rbind")}), facts)) CHECK(pair.value != "/hosts");
}

TEST_CASE("restore: control groups are the new container's") {
    const oci::Spec spec = spec_with({{"/sys/fs/cgroup", "cgroup", "cgroup", {}}});
    RestoreFacts facts;
    facts.cgroup = "/kist-oci/new";
    facts.cgroup_view.unified = "/sys/fs/cgroup/kist-oci/new";
    CHECK(has(given(spec, facts), {"/sys/fs/cgroup", "/sys/fs/cgroup/kist-oci/new"}));
    CHECK(restored(spec, facts).options.cgroup_root == "/kist-oci/new");
    facts.controllers = {"pids", ""};
    CHECK(restored(spec, facts).options.controllers == Strings{"pids", ""});
    facts.cgroup_view.unified.clear();
    facts.cgroup_view.hierarchies = {{"pids", "/c/pids/new"}, {"cpu,cpuacct", "/c/cpu,cpuacct/new"}};
    CHECK(has(given(spec, facts), {"/sys/fs/cgroup/pids", "/c/pids/new"}));
    CHECK(has(given(spec, facts), {"/sys/fs/cgroup/cpu,cpuacct", "/c/cpu,cpuacct/new"}));
}

TEST_CASE("restore: masked files are the null device, nodes those of the host") {
    oci::Spec spec = spec_with({});
    spec.linux_.masked_paths = {"/proc//kcore"};
    spec.linux_.devices = {
        {.type = "c", .path = "/dev/fuse", .major = 10, .minor = 229, .file_mode = {}, .uid = {}, .gid = {}}};
    CHECK(has(given(spec), {"/proc/kcore", "/dev/null"}));
    CHECK(has(given(spec), {"/dev/fuse", "/dev/fuse"}));
    CHECK(has(given(spec), {"/dev/zero", "/dev/zero"}));
}

TEST_CASE("restore: a read-only path in a bind is below the bind's source") {
    oci::Spec spec = spec_with({bind("/data", "/host"), tmpfs("/t")});
    spec.linux_.readonly_paths = {"/data/x/y", "/t/z", "/data"};
    CHECK(has(given(spec), {"/data/x/y", "/host/x/y"}));
    CHECK(!has(given(spec), {"/t/z", "/t/z"}));
}

TEST_CASE("restore: places are made in the root and in binds, not in what was dumped") {
    const oci::Spec spec = spec_with({{"/proc", "proc", "proc", {}},
                                      tmpfs("/dev"),
                                      {"/dev/pts", "devpts", "devpts", {}},
                                      bind("/data", "/host"),
                                      tmpfs("/data/t"),
                                      bind("/data/t/b", "/other"),
                                      bind("/etc/hosts", "/host/hosts")});
    CHECK(points(spec) == std::vector<MountPoint>{{"/r", "/proc", ""},
                                                  {"/r", "/dev", ""},
                                                  {"/r", "/data", "/host"},
                                                  {"/host", "/t", ""},
                                                  {"/r", "/etc/hosts", "/host/hosts"}});
}

TEST_CASE("restore: joined namespaces are passed by descriptor or named by path") {
    oci::Spec spec = spec_with({});
    spec.linux_.namespaces = {{NamespaceType::mount, ""},
                              {NamespaceType::network, "/run/netns/a"},
                              {NamespaceType::uts, "/proc/9/ns/uts"},
                              {NamespaceType::pid, "/proc/9/ns/pid"}};
    const RestorePlan plan = restored(spec);
    CHECK(plan.files == Strings{"/run/netns/a", "/proc/9/ns/pid"});
    CHECK(plan.options.inherited == std::vector<Inherited>{{"extRootNetNS", 4}, {"extRootPidNS", 5}});
    CHECK(plan.options.joined_namespaces == Pairs{{"uts", "/proc/9/ns/uts"}});
}

TEST_CASE("restore: pipes and files of the host become our streams, nothing else does, whatever the images say") {
    RestoreFacts facts;
    facts.descriptors = {"pipe:[1]", "/dev/null", "file[16:ab]", "pipe:[9]"};
    CHECK(restored(spec_with({}), facts).options.inherited ==
          std::vector<Inherited>{{"pipe:[1]", 0}, {"file[16:ab]", 2}});
    facts.descriptors = {"extRootNetNS", "", "tty[1:2]"};
    CHECK(restored(spec_with({}), facts).options.inherited.empty());
}

TEST_CASE("restore: what the spec restricts is restricted again") {
    oci::Spec spec = spec_with({bind("/a", "/x"), bind("/b", "/x", "rbind")});
    CHECK(restored(spec).flags.empty());
    spec.mounts[0].options.insert(spec.mounts[0].options.end(), {"ro", "nodev", "noatime"});
    spec.mounts[1].options.emplace_back("rro");
    spec.root = oci::Root{"/r", true};
    spec.linux_.masked_paths = {"/proc/kcore"};
    spec.linux_.readonly_paths = {"/proc/sys/"};
    constexpr std::uint64_t masked = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
    CHECK(restored(spec).flags == std::vector<MountFlags>{{"/", MOUNT_ATTR_RDONLY, false},
                                                          {"/a", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, false},
                                                          {"/b", MOUNT_ATTR_RDONLY, true},
                                                          {"/proc/kcore", masked, false},
                                                          {"/proc/sys", MOUNT_ATTR_RDONLY, false}});
}

TEST_CASE("restore: options become criu's") {
    RestoreWishes wishes;
    wishes.lsm_profile = "apparmor:x";
    wishes.lsm_mount_context = "y";
    wishes.shell_job = true;
    const Options options = plan_restore(spec_with({}), wishes, {}).options;
    CHECK(options.lsm_profile == "apparmor:x");
    CHECK(options.lsm_mount_context == "y");
    CHECK(options.shell_job);
    CHECK(options.restore_as_sibling);
    CHECK(options.log_file == "restore.log");
    CHECK(options.pid == 0);
}

TEST_CASE("the log's last errors, without where in criu's source they are, and without the one that only says so") {
    CHECK(errors_of_log("(00.1) Warn  (a.c:1): x\n(00.2)     42: Error (criu/mount.c:10): mnt: No mapping\n"
                        "(00.3) Error (criu/cr-dump.c:2053): Dumping FAILED.\n") == Strings{"mnt: No mapping"});
    CHECK(errors_of_log("(00.3) Error (criu/cr-dump.c:2053): Dumping FAILED.\n") == Strings{"Dumping FAILED."});
    CHECK(errors_of_log("").empty());
    std::string many;
    for (int i = 0; i < 9; ++i) many += "Error (a.c:1): " + std::to_string(i) + "\n";
    CHECK(errors_of_log(many) == Strings{"6", "7", "8"});
}
