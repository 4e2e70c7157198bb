// SPDX-License-Identifier: Apache-2.0
// From record to runtime spec, and the text of the name files: all pure.
#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "engine/host_config.hh"
#include "engine/name_files.hh"
#include "engine/random_name.hh"
#include "engine/spec_plan.hh"
#include "fixture.hh"

using namespace kist;
using namespace kist::engine;
using namespace kist::engine::test;
using Words = std::vector<std::string>;

namespace {

storage::ContainerConfig plain() {
    storage::ContainerConfig config;
    config.id = std::string(64, 'c');
    config.command = {"true"};
    config.hostname = "cccccccccccc";
    config.working_dir = "/";
    config.cgroup_parent = "/kist";
    return config;
}

const oci::Mount* mount_at(const oci::Spec& spec, const std::string& path) {
    for (const oci::Mount& mount : spec.mounts)
        if (mount.destination == path) return &mount;
    return nullptr;
}

bool has_namespace(const oci::Spec& spec, oci::NamespaceType type, const std::string& path = "") {
    return std::find(spec.linux_.namespaces.begin(), spec.linux_.namespaces.end(), oci::Namespace{type, path}) !=
           spec.linux_.namespaces.end();
}

} // namespace

TEST_CASE("a plain container has six namespaces of its own and the default limits") {
    auto job = plan_job(plain(), {});
    CHECK(job.spec.linux_.namespaces.size() == 6);
    CHECK(job.cgroup_path == "/kist/" + std::string(64, 'c'));
    CHECK(job.spec.linux_.resources.pids->limit == 2048);
    CHECK_FALSE(job.spec.linux_.resources.memory);
    CHECK(job.clamp_rlimits == Words{"RLIMIT_NOFILE", "RLIMIT_NPROC"});
    CHECK(job.spec.process->user.umask == 0027u);
    CHECK(job.spec.hostname == "cccccccccccc");
    CHECK(job.user == "");
}

TEST_CASE("a container in a slice is a scope there") {
    auto config = plain();
    config.cgroup_parent = "a-b.slice";
    const auto job = plan_job(config, {});
    CHECK(job.cgroup_path == "/a.slice/a-b.slice/kist-" + config.id + ".scope");
    CHECK(job.spec.linux_.cgroups_path == "a-b.slice:kist:" + config.id);
    CHECK(plan_job(plain(), {}).spec.linux_.cgroups_path == "/kist/" + config.id);
}

TEST_CASE("devices are denied by default but for the harmless ones") {
    auto rules = plan_job(plain(), {}).spec.linux_.resources.devices;
    CHECK_FALSE(rules.front().allow);
    CHECK(rules.size() == 11);
    for (const auto& rule : rules) CHECK_FALSE((rule.major == 10 && rule.minor == 200)); // no tun
    auto config = plain();
    config.device_cgroup_rules = {"c 10:* rw"};
    auto last = plan_job(config, {}).spec.linux_.resources.devices.back();
    CHECK((last.allow && last.major == 10 && !last.minor && last.access == "rw"));
    config.security.privileged = true;
    CHECK(plan_job(config, {}).spec.linux_.resources.devices.size() == 1);
}

TEST_CASE("shared namespaces are left out or joined by the path of the running init") {
    auto config = plain();
    std::string id(64, 'd');
    config.namespaces = {
        .network = "host", .pid = "container:" + id, .ipc = "private", .uts = "ns:/run/x", .cgroup = "host"};
    HostFacts facts;
    facts.joined[id] = 42;
    auto spec = plan_job(config, facts).spec;
    CHECK(spec.linux_.namespaces.size() == 4);
    CHECK(has_namespace(spec, oci::NamespaceType::pid, "/proc/42/ns/pid"));
    CHECK(has_namespace(spec, oci::NamespaceType::uts, "/run/x"));
    CHECK(has_namespace(spec, oci::NamespaceType::ipc));
    CHECK(spec.hostname == "");
    CHECK(spec.linux_.sysctl.empty()); // the host's network is not changed
}

TEST_CASE("a user's mount takes the place of a default one, and outer mounts come first") {
    auto config = plain();
    config.mounts = {{.type = "tmpfs", .source = "tmpfs", .destination = "/dev/shm", .options = {}},
                     {.type = "bind", .source = "/a", .destination = "/etc", .options = {"rbind"}}};
    auto spec = plan_job(config, {}).spec;
    CHECK(mount_at(spec, "/dev/shm")->options.empty());
    CHECK(std::count_if(spec.mounts.begin(), spec.mounts.end(), [](auto& m) { return m.destination == "/dev/shm"; }) ==
          1);
    auto position = [&](const std::string& path) { return mount_at(spec, path) - spec.mounts.data(); };
    CHECK(position("/etc") < position("/etc/hosts"));
    CHECK(position("/dev") < position("/dev/pts"));
    CHECK(position("/sys") < position("/sys/fs/cgroup"));
}

TEST_CASE("read-only things are read-only unless privileged") {
    auto config = plain();
    auto has_ro = [&](const std::string& path) {
        auto spec = plan_job(config, {}).spec;
        const auto& options = mount_at(spec, path)->options;
        return std::find(options.begin(), options.end(), "ro") != options.end();
    };
    CHECK(has_ro("/sys"));
    CHECK(has_ro("/sys/fs/cgroup"));
    CHECK_FALSE(has_ro("/etc/hosts"));
    config.read_only = true;
    CHECK(has_ro("/etc/hosts"));
    CHECK(plan_job(config, {}).spec.root->readonly);
    config.security.privileged = true;
    CHECK_FALSE(has_ro("/sys"));
}

TEST_CASE("shared memory follows the IPC namespace") {
    auto config = plain();
    config.shm_size = 1000;
    auto shm = [&](const HostFacts& facts = {}) {
        auto spec = plan_job(config, facts).spec;
        const oci::Mount* mount = mount_at(spec, "/dev/shm");
        return mount == nullptr ? oci::Mount{} : *mount;
    };
    CHECK(shm().options.back() == "size=1000");
    config.namespaces.ipc = "none";
    CHECK(shm() == oci::Mount{});
    config.namespaces.ipc = "host";
    CHECK(shm().source == "/dev/shm");
    config.namespaces.ipc = "container:x";
    HostFacts facts;
    facts.joined["x"] = 7;
    CHECK(shm(facts).source == "/proc/7/root/dev/shm");
}

TEST_CASE("resources: swap is twice the memory unless said or impossible, CPUs become a quota") {
    auto config = plain();
    config.resources.memory = 100;
    config.resources.nano_cpus = 1'500'000'000;
    HostFacts facts;
    CHECK(plan_resources(config, facts).memory->swap == 200);
    facts.swap_limit = false;
    CHECK_FALSE(plan_resources(config, facts).memory->swap);
    config.resources.memory_swap = -1;
    CHECK(plan_resources(config, facts).memory->swap == -1);
    CHECK(plan_resources(config, facts).cpu->quota == 150'000);
    CHECK(plan_resources(config, facts).cpu->period == 100'000u);
    config.resources.pids_limit = 0;
    CHECK(plan_resources(config, facts).pids->limit == -1);
}

TEST_CASE("the process: --init in front, defaults of the environment under the record's") {
    auto config = plain();
    config.entrypoint = {"/e"};
    config.env = {"PATH=/own", "A=1"};
    config.tty = true;
    config.ulimits = {{"RLIMIT_NPROC", 7, 7}};
    HostFacts facts;
    facts.init_program = "/usr/bin/catatonit";
    auto job = plan_job(config, facts);
    CHECK(job.spec.process->args == Words{"/run/kist-init", "--", "/e", "true"});
    CHECK(mount_at(job.spec, "/run/kist-init")->source == "/usr/bin/catatonit");
    CHECK(env_value(job.spec.process->env, "PATH") == "/own");
    CHECK(env_value(job.spec.process->env, "TERM") == "xterm");
    CHECK(env_value(job.spec.process->env, "HOSTNAME") == "cccccccccccc");
    CHECK(job.clamp_rlimits == Words{"RLIMIT_NOFILE"}); // what the user gave is not clamped
}

TEST_CASE("log options reach the monitor") {
    auto config = plain();
    CHECK(plan_job(config, {}).log.max_size == 10 << 20);
    CHECK(plan_job(config, {}).log.max_files == 3);
    config.log_options = {{"max-size", "1k"}, {"max-file", "5"}};
    CHECK(plan_job(config, {}).log.max_size == 1024);
    CHECK(plan_job(config, {}).log.max_files == 5);
    config.log_options = {{"max-size", "-1"}};
    CHECK(plan_job(config, {}).log.max_size == -1);
}

TEST_CASE("hosts: own names without a network, the host's file with its network") {
    auto config = plain();
    config.name = "web";
    config.extra_hosts = {"db:10.0.0.1", "six:::1"};
    std::string text = hosts_text(config, {}, "");
    CHECK(contains(text, "127.0.0.1\tlocalhost\n"));
    CHECK(contains(text, "10.0.0.1\tdb\n"));
    CHECK(contains(text, "::1\tsix\n"));
    CHECK(contains(text, "127.0.0.1\tcccccccccccc web\n"));
    config.namespaces.network = "host";
    CHECK(hosts_text(config, {}, "1.2.3.4 a") == "1.2.3.4 a\n10.0.0.1\tdb\n::1\tsix\n");
}

TEST_CASE("resolv.conf: loopback servers of the host are left out, options replace their kind") {
    auto config = plain();
    std::string host = "# c\nnameserver 127.0.0.1\nnameserver 9.9.9.9\nsearch a.example\noptions ndots:1\n";
    CHECK(resolv_text(config, {}, host) == "# c\nnameserver 9.9.9.9\nsearch a.example\noptions ndots:1\n");
    config.dns = {"1.1.1.1"};
    CHECK(resolv_text(config, {}, host) == "nameserver 1.1.1.1\nsearch a.example\noptions ndots:1\n");
    config.dns_search = {"."};
    CHECK(resolv_text(config, {}, host) == "nameserver 1.1.1.1\noptions ndots:1\n");
    config = plain();
    config.namespaces.network = "host";
    CHECK(resolv_text(config, {}, host) == host);
}

TEST_CASE("random names are adjective_surname, and have a number when many are taken") {
    for (int i = 0; i < 50; ++i) {
        std::string name = random_name(0);
        CHECK(is_valid_name(name));
        CHECK(contains(name, "_"));
        CHECK(name.find_first_of("0123456789") == name.npos);
        CHECK_FALSE(is_lower_hex(name));
    }
    CHECK(random_name(20).find_first_of("0123456789") != std::string::npos);
}

TEST_CASE("host configuration: unknown keys, wrong types and bad values are named") {
    auto bad = [](std::string_view text) { return failure_of([&] { parse_host_config(text, "kist.json"); }); };
    CHECK(parse_host_config("{}", "kist.json") == HostConfig{});
    CHECK(parse_host_config(R"({"log-driver":"none","dns":["1.1.1.1"]})", "x").log_driver == "none");
    CHECK(contains(bad(R"({"log-drivr":"none"})"), "unknown key 'log-drivr' / did you mean 'log-driver'"));
    CHECK(contains(bad(R"({"init":"yes"})"), "init"));
    CHECK(contains(bad("[]"), "expected an object"));
    CHECK(contains(bad("{"), "kist.json"));
    CHECK(contains(bad(R"({"data-root":"x"})"), "not an absolute path"));
    CHECK(contains(bad(R"({"default-shm-size":"big"})"), "is not a size"));
    CHECK(contains(bad(R"({"exec-opts":["native.umask=odd"]})"), "native.umask is normal or secure"));
    CHECK(contains(bad(R"({"default-ulimits":{"nofile":{"Soft":5,"Hard":1}}})"), "above the hard one"));
}

TEST_CASE("options above the file override roots and contradict a driver") {
    TempDir temp;
    write_atomically(Dir::open(temp.path()), "kist.json", R"({"storage-driver":"vfs","data-root":"/a"})",
                     Durability::volatile_);
    GlobalOptions options;
    options.config = temp.path() + "/kist.json";
    options.root = "/b";
    CHECK(load_host_config(options).data_root == "/b");
    options.storage_driver = "overlay";
    CHECK(contains(failure_of([&] { load_host_config(options); }), "contradicts storage-driver 'vfs'"));
    options.storage_driver = "";
    options.config = temp.path() + "/none.json";
    CHECK(contains(failure_of([&] { load_host_config(options); }), "No such file"));
}

TEST_CASE("files of kist.json.d are read after kist.json, in the order of their names") {
    const TempDir temp;
    const Dir dir = Dir::open(temp.path());
    const Dir more = Dir::create(temp.path() + "/kist.json.d");
    GlobalOptions options;
    options.config = temp.path() + "/kist.json";
    write_atomically(dir, "kist.json", R"({"data-root": "/a", "dns": ["1.1.1.1"], "log-level": "info"})",
                     Durability::volatile_);
    write_atomically(more, "20-b.json", R"({"data-root": "/c"})", Durability::volatile_);
    write_atomically(more, "10-a.json", R"({"data-root": "/b", "log-level": "error"})", Durability::volatile_);
    write_atomically(more, ".hidden.json", "rubbish", Durability::volatile_);
    write_atomically(more, "notes.txt", "rubbish", Durability::volatile_);
    const HostConfig config = load_host_config(options);
    CHECK(config.data_root == "/c");
    CHECK(config.log_level == "error");
    CHECK(config.dns == std::vector<std::string>{"1.1.1.1"});
    write_atomically(more, "30-c.json", R"({"data-rot": "/d"})", Durability::volatile_);
    CHECK(contains(failure_of([&] { load_host_config(options); }), "30-c.json: unknown key 'data-rot'"));
}
