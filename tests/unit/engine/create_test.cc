// SPDX-License-Identifier: Apache-2.0
// The interpreters of create's options: what they make of good ones, and what they say to bad ones.
#include <cstdlib>
#include <fstream>

#include <catch2/catch_test_macros.hpp>

#include "base/file.hh"
#include "fixture.hh"

using namespace kist;
using namespace kist::engine;
using namespace kist::engine::test;

using Words = std::vector<std::string>;

TEST_CASE_METHOD(Creation, "the image's command is replaced by operands and dropped with another entry point") {
    image.config.config.entrypoint = {"/entry"};
    image.config.config.cmd = {"a", "b"};
    CHECK(run(interpret_process).entrypoint == Words{"/entry"});
    CHECK(run(interpret_process).command == Words{"a", "b"});
    options.command = {"x"};
    CHECK(run(interpret_process).command == Words{"x"});
    options.command = {};
    options.entrypoint = "/other";
    CHECK(run(interpret_process).entrypoint == Words{"/other"});
    CHECK(run(interpret_process).command.empty());
    options.entrypoint = "[\"/o\", \"two words\"]";
    CHECK(run(interpret_process).entrypoint == Words{"/o", "two words"});
    options.entrypoint = "";
    CHECK(contains(failure(interpret_process), "no command specified"));
}

TEST_CASE_METHOD(Creation, "environment: image, then files, then options; a lone name is taken over or unset") {
    TempDir temp;
    std::ofstream(temp.path() + "/env") << "# comment\n\nA=file\n  B=b=b\nKIST_TEST_HOST\n";
    setenv("KIST_TEST_HOST", "host", 1);
    image.config.config.env = {"PATH=/bin", "A=image", "GONE=1"};
    options.env_files = {temp.path() + "/env"};
    options.env = {"C=1,2", "GONE", "A=option"};
    CHECK(run(interpret_process).env == Words{"PATH=/bin", "A=option", "B=b=b", "KIST_TEST_HOST=host", "C=1,2"});
    options.env = {"=x"};
    CHECK(contains(failure(interpret_process), "its name is empty"));
    options.env = {};
    std::ofstream(temp.path() + "/env") << "two words=1\n";
    CHECK(contains(failure(interpret_process), "line 1: the name 'two words' contains blanks"));
    options.env_files = {temp.path() + "/none"};
    CHECK(contains(failure(interpret_process), "No such file or directory"));
}

TEST_CASE_METHOD(Creation, "stop signal, umask, working directory and streams are checked") {
    options.stop_signal = "int";
    options.umask = "022";
    CHECK(run(interpret_process).stop_signal == "SIGINT");
    CHECK(run(interpret_process).umask == 022u);
    options.umask = "";
    options.exec_opts = {"native.umask=normal"};
    CHECK(run(interpret_process).umask == 022u);
    options.exec_opts = {"native.umsk=normal"};
    CHECK(contains(failure(interpret_process), "did you mean 'native.umask'"));
    options.exec_opts = {};
    options.umask = "8";
    CHECK(contains(failure(interpret_process), "invalid umask '8'"));
    options.umask = "";
    options.workdir = "relative";
    CHECK(contains(failure(interpret_process), "absolute path"));
    options.workdir = "/a//b/..";
    CHECK(run(interpret_process).working_dir == "/a");
    options.attach = {"stdlog"};
    CHECK(contains(failure(interpret_process), "valid streams are stdin, stdout and stderr"));
    options.attach = {};
    options.stop_signal = "SIGNOPE";
    CHECK(failure(interpret_process) == "invalid signal: SIGNOPE");
}

TEST_CASE_METHOD(Creation, "input belongs to the one attached client unless detached") {
    options.interactive = true;
    CHECK(run(interpret_process).stdin_once);
    options.detach = true;
    CHECK_FALSE(run(interpret_process).stdin_once);
    options.detach = false;
    options.attach = {"stdout"};
    CHECK_FALSE(run(interpret_process).stdin_once);
}

TEST_CASE_METHOD(Creation, "labels: files and options over the image's") {
    image.config.config.labels = {{"a", "image"}, {"b", "image"}};
    options.labels = {"a=x=y", "c"};
    auto labels = run(interpret_labels).labels;
    CHECK(labels == std::map<std::string, std::string>{{"a", "x=y"}, {"b", "image"}, {"c", ""}});
    options.labels = {"=v"};
    CHECK(contains(failure(interpret_labels), "invalid label"));
}

TEST_CASE_METHOD(Creation, "a bind mount has its options completed, and bad ones are named") {
    TempDir temp;
    auto bind = [&](const std::string& rest) {
        options.volumes = {temp.path() + rest};
        return run(interpret_mounts).mounts.at(0);
    };
    CHECK(bind(":/data").options == Words{"rbind", "rprivate"});
    CHECK(bind(":/data/x/..").destination == "/data");
    CHECK(bind(":/data:ro,rslave,bind,noexec").options == Words{"ro", "rslave", "bind", "noexec"});
    CHECK_FALSE(bind(":/data:ro").read_write);
    auto bad = [&](const std::string& text) {
        options.volumes = {text};
        return failure(interpret_mounts);
    };
    CHECK(contains(bad("/x:/"), "the destination can't be '/'"));
    CHECK(contains(bad("/x:y"), "must be absolute"));
    CHECK(contains(bad(temp.path() + ":/y:ro,rw"), "'rw' contradicts 'ro'"));
    CHECK(contains(bad(temp.path() + ":/y:nocopy"), "nocopy is only valid for volumes"));
    CHECK(contains(bad(temp.path() + ":/y:rslav"), "did you mean 'rslave'"));
    CHECK(contains(bad(temp.path() + ":/y:O,ro"), "'O' contradicts 'ro'"));
    CHECK(contains(bad(temp.path() + ":/y:upperdir=/x,workdir=/y"), "need 'O'"));
    CHECK(contains(bad("a/b:/y"), "neither a path nor a volume's name"));
    CHECK(contains(bad("only"), "must be absolute"));
    options.volumes = {temp.path() + ":/y", temp.path() + ":/y/"};
    CHECK(failure(interpret_mounts) == "duplicate mount point: /y");
}

TEST_CASE_METHOD(Creation, "a source that is no path names a volume, which is to exist before the start") {
    options.volumes = {"data:/v:ro,nocopy"};
    const auto mount = run(interpret_mounts).mounts.at(0);
    CHECK(mount.type == "volume");
    CHECK(mount.name == "data");
    CHECK(mount.no_copy);
    CHECK(mount.options == Words{"rbind", "ro", "rprivate"});
    REQUIRE(new_volumes.size() == 1);
    CHECK(new_volumes[0].name == "data");
    CHECK_FALSE(new_volumes[0].anonymous);
}

TEST_CASE_METHOD(Creation, "without a source the volume is the container's own, and goes with it for --rm") {
    options.volumes = {"/v"};
    options.rm = true;
    const auto mount = run(interpret_mounts).mounts.at(0);
    CHECK(mount.anonymous);
    CHECK(mount.name.size() == 64);
    CHECK(mount.name.starts_with(std::string(32, 'c')));
    REQUIRE(new_volumes.size() == 1);
    CHECK(new_volumes[0].owner == config.id);
    CHECK(new_volumes[0].auto_remove);
    CHECK(new_volumes[0].name == mount.name);
}

TEST_CASE_METHOD(Creation, "the image's VOLUME is an anonymous volume unless something else is mounted there") {
    image.config.config.volumes["/data/"];
    CHECK(run(interpret_mounts).mounts.at(0).destination == "/data");
    CHECK(run(interpret_mounts).mounts.at(0).from_image);
    options.volumes = {"mine:/data"};
    CHECK(run(interpret_mounts).mounts.size() == 1);
    CHECK(run(interpret_mounts).mounts.at(0).name == "mine");
    options.volumes = {};
    options.image_volume = "ignore";
    CHECK(run(interpret_mounts).mounts.empty());
    options.image_volume = "tmpfs";
    CHECK(run(interpret_mounts).mounts.at(0).type == "tmpfs");
    options.image_volume = "none";
    CHECK(contains(failure(interpret_mounts), "invalid --image-volume 'none'"));
    options.image_volume = "";
    image.config.config.volumes = {};
    image.config.config.volumes["/../.."];
    CHECK(contains(failure(interpret_mounts), "the destination can't be '/'"));
}

TEST_CASE_METHOD(Creation, "--volumes-from takes binds and volumes that nothing else covers") {
    storage::MountConfig bind, tmpfs, volume;
    bind.source = "/";
    bind.destination = "/bind";
    bind.options = {"rbind", "rw", "rprivate"};
    tmpfs.type = "tmpfs";
    tmpfs.destination = "/tmp";
    volume.type = "volume";
    volume.name = "data";
    volume.destination = "/v";
    other.config.mounts = {bind, tmpfs, volume};
    options.volumes_from = {"other:ro"};
    options.volumes = {"mine:/v"};
    const auto mounts = run(interpret_mounts).mounts;
    REQUIRE(mounts.size() == 2);
    CHECK(mounts[0].name == "mine");
    CHECK(mounts[1].destination == "/bind");
    CHECK(mounts[1].options == Words{"rbind", "rprivate", "ro"});
    CHECK_FALSE(mounts[1].read_write);
    options.volumes_from = {"other:rx"};
    CHECK(contains(failure(interpret_mounts), "the mode is ro, rw, z or Z, not 'rx'"));
}

TEST_CASE_METHOD(Creation, "--mount of volumes and images") {
    options.mounts = {"type=volume,source=data,target=/v,volume-subpath=a/b,volume-label=k=v,volume-opt=type=tmpfs"};
    CHECK(run(interpret_mounts).mounts.at(0).subpath == "a/b");
    CHECK(new_volumes.at(0).labels == std::map<std::string, std::string>{{"k", "v"}});
    CHECK(new_volumes.at(0).options == std::map<std::string, std::string>{{"type", "tmpfs"}});
    image.top_layer = "sha256:" + std::string(64, 'a');
    options.mounts = {"type=image,source=web,target=/i"};
    CHECK(run(interpret_mounts).mounts.at(0).layer == image.top_layer);
    CHECK_FALSE(run(interpret_mounts).mounts.at(0).read_write);
    const auto bad = [&](const std::string& text) {
        options.mounts = {text};
        return failure(interpret_mounts);
    };
    CHECK(contains(bad("source=a/b,target=/v"), "no name of a volume"));
    CHECK(contains(bad("source=a,target=/v,volume-subpath=../x"), "not below the mount's source"));
    CHECK(contains(bad("source=a,target=/v,volume-subpath=/x"), "not below the mount's source"));
    CHECK(contains(bad("source=a,target=/v,volume-nocpy"), "did you mean 'volume-nocopy'"));
    CHECK(contains(bad("source=a,target=/v,volume-driver=nfs4"), "unknown volume driver"));
    CHECK(contains(bad("source=a,target=/v,ro,rw=true"), "contradicts"));
    CHECK(contains(bad("type=image,target=/i"), "source must not be empty"));
    CHECK(contains(bad("type=bind,source=data,target=/v"), "is a path"));
}

TEST_CASE_METHOD(Creation, "a single file that may be written gets a hint, a folder and a read-only file do not") {
    TempDir temp;
    std::ofstream(temp.path() + "/file") << "x";
    options.volumes = {temp.path() + ":/d", temp.path() + "/file:/ro:ro"};
    run(interpret_mounts);
    CHECK(warnings.empty());
    options.volumes = {temp.path() + "/file:/f"};
    run(interpret_mounts);
    REQUIRE(warnings.size() == 1);
    CHECK(contains(warnings[0], "mount its folder"));
}

TEST_CASE_METHOD(Creation, "-v makes a missing host folder, --mount does not") {
    TempDir temp;
    options.volumes = {temp.path() + "/new:/y"};
    run(interpret_mounts);
    CHECK(Dir::open_if_exists(temp.path() + "/new").has_value());
    options.volumes = {};
    options.mounts = {"type=bind,source=" + temp.path() + "/none,target=/y"};
    CHECK(failure(interpret_mounts) ==
          "invalid mount config for type \"bind\": bind source path does not exist: " + temp.path() + "/none");
}

TEST_CASE_METHOD(Creation, "--mount reads its fields as CSV") {
    TempDir temp;
    Dir::create(temp.path() + "/a,b");
    options.mounts = {"type=bind,\"src=" + temp.path() + "/a,b\",dst=/y,readonly,bind-propagation=shared"};
    auto mount = run(interpret_mounts).mounts.at(0);
    CHECK(mount.source == temp.path() + "/a,b");
    CHECK_FALSE(mount.read_write);
    CHECK(mount.options == Words{"rbind", "shared", "ro"});
    options.mounts = {"type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700"};
    CHECK(run(interpret_mounts).mounts.at(0).options == Words{"noexec", "nosuid", "nodev", "size=1048576", "mode=700"});
    auto bad = [&](const std::string& text) {
        options.mounts = {text};
        return failure(interpret_mounts);
    };
    CHECK(contains(bad("type=bind,src=/etc"), "field target must not be empty"));
    CHECK(contains(bad("type=bind,dst=/y"), "field source must not be empty"));
    CHECK(contains(bad("type=bind,src=/etc,dst=/y,readonyl"), "did you mean 'readonly'"));
    CHECK(contains(bad("type=npipe,dst=/y"), "type 'npipe' is not bind"));
    CHECK(contains(bad("type=bind,\"src=/etc"), "a quote is not closed"));
    CHECK(contains(bad("type=tmpfs,dst=/t,tmpfs-size=lots"), "invalid tmpfs size"));
}

TEST_CASE_METHOD(Creation, "--tmpfs and the tmpfs of a read-only root") {
    options.tmpfs = {"/t:exec,size=64k"};
    CHECK(run(interpret_mounts).mounts.at(0).options == Words{"noexec", "nosuid", "nodev", "exec", "size=65536"});
    options.tmpfs = {"/t:sise=1"};
    CHECK(contains(failure(interpret_mounts), "did you mean 'size'"));
    options.tmpfs = {"/tmp"};
    options.read_only = true;
    CHECK(run(interpret_mounts).mounts.size() == 3); // /tmp is the user's; /run and /var/tmp
    options.read_only_tmpfs = false;
    CHECK(run(interpret_mounts).mounts.size() == 1);
}

TEST_CASE_METHOD(Creation, "shm size is a positive size") {
    CHECK(run(interpret_mounts).shm_size == 64 << 20);
    options.shm_size = "1m";
    CHECK(run(interpret_mounts).shm_size == 1 << 20);
    options.shm_size = "0";
    CHECK(contains(failure(interpret_mounts), "greater than 0"));
}

TEST_CASE_METHOD(Creation, "devices and device rules are checked") {
    options.devices = {"/dev/null:/dev/zero2:r", "/dev/zero:rw"};
    auto devices = run(interpret_devices).devices;
    CHECK(devices.at(0).container_path == "/dev/zero2");
    CHECK(devices.at(0).access == "r");
    CHECK(devices.at(1).container_path == "/dev/zero");
    CHECK(devices.at(1).access == "rw");
    options.devices = {"/dev/none"};
    CHECK(contains(failure(interpret_devices), "adding device '/dev/none': No such file"));
    options.devices = {"/etc/passwd"};
    CHECK(contains(failure(interpret_devices), "neither a device"));
    options.devices = {"/dev/null:/x:z"};
    CHECK(contains(failure(interpret_devices), "invalid device mode 'z'"));
    options.devices = {};
    for (const char* good : {"c 1:3 rwm", "b *:* m", "a *:* rwm"}) {
        options.device_cgroup_rules = {good};
        CHECK(failure(interpret_devices) == "");
    }
    for (const char* bad : {"c 1:3", "x 1:3 r", "c 1 r", "c 1:3 q", "c 1:-3 r", ""}) {
        options.device_cgroup_rules = {bad};
        CHECK(contains(failure(interpret_devices), "invalid device cgroup format"));
    }
}

TEST_CASE_METHOD(Creation, "security: defaults, privileged, and every spelling of options") {
    auto plain = run(interpret_security).security;
    CHECK_FALSE(plain.capabilities); // the defaults are not in the record
    CHECK(capabilities_of(plain).size() == 14);
    CHECK(plain.seccomp == "default");
    CHECK_FALSE(plain.masked_paths);
    CHECK(masked_paths_of(plain).size() >= 13);
    CHECK_FALSE(plain.readonly_paths);
    CHECK(readonly_paths_of(plain).size() == 5);
    CHECK_FALSE(plain.no_new_privileges);
    options.security_opts = {"seccomp:unconfined", "no-new-privileges", "mask=/a:/b", "unmask=/proc/kcore"};
    auto asked = run(interpret_security).security;
    CHECK(asked.seccomp == "unconfined");
    CHECK(asked.no_new_privileges);
    CHECK(asked.masked_paths->back() == "/b");
    CHECK(asked.masked_paths->size() == masked_paths_of(plain).size() + 1);
    options.security_opts = {"systempaths=unconfined"};
    CHECK(run(interpret_security).security.masked_paths == Words{});
    options.security_opts = {"secomp=unconfined"};
    CHECK(contains(failure(interpret_security), "did you mean 'seccomp'"));
    options.security_opts = {"seccomp=/none.json"};
    CHECK(contains(failure(interpret_security), "opening seccomp profile"));
    options.security_opts = {};
    options.privileged = true;
    auto privileged = run(interpret_security).security;
    CHECK(privileged.seccomp == "unconfined");
    CHECK(privileged.masked_paths == Words{});
    CHECK(privileged.capabilities->size() > 14);
}

TEST_CASE_METHOD(Creation, "capabilities are added and dropped, unknown ones named") {
    options.cap_drop = {"all"};
    options.cap_add = {"net_admin"};
    CHECK(run(interpret_security).security.capabilities == Words{"CAP_NET_ADMIN"});
    options.cap_add = {"CAP_NOPE"};
    CHECK(contains(failure(interpret_security), "CAP_NOPE"));
    options = {};
    host.default_capabilities = {"podman"};
    CHECK(run(interpret_security).security.capabilities->size() == 11);
}

TEST_CASE_METHOD(Creation, "resources: Docker's limits of limits") {
    auto bad = [&](auto set) {
        options = {};
        set(options);
        return failure(interpret_resources);
    };
    CHECK(contains(bad([](auto& o) { o.memory = "1m"; }), "minimum memory limit allowed is 6MB"));
    CHECK(contains(bad([](auto& o) { o.memory = "many"; }), "invalid --memory"));
    CHECK(contains(bad([](auto& o) { o.memory_swap = "64m"; }), "always set the memory limit"));
    CHECK(contains(bad([](auto& o) { o.memory = "64m", o.memory_swap = "32m"; }), "larger than the memory limit"));
    CHECK(contains(bad([](auto& o) { o.memory = "64m", o.memory_reservation = "65m"; }), "reservation"));
    CHECK(contains(bad([](auto& o) { o.cpus = "9999"; }), "range of CPUs is from 0.01"));
    CHECK(contains(bad([](auto& o) { o.cpus = "1.x"; }), "invalid --cpus"));
    CHECK(contains(bad([](auto& o) { o.cpus = "1", o.cpu_quota = 5000; }), "conflicting options"));
    CHECK(contains(bad([](auto& o) { o.cpu_period = 10; }), "1ms"));
    CHECK(contains(bad([](auto& o) { o.cpuset_cpus = "0-8000"; }), "requested CPUs are not available"));
    CHECK(contains(bad([](auto& o) { o.cpuset_cpus = "3-1"; }), "invalid value '3-1'"));
    CHECK(contains(bad([](auto& o) { o.oom_score_adj = 1001; }), "[-1000, 1000]"));
    CHECK(contains(bad([](auto& o) { o.cgroup_parent = "/a/../.."; }), "invalid --cgroup-parent"));
    CHECK(contains(bad([](auto& o) { o.cgroup_parent = "a.slice"; }), "a slice of systemd"));
    for (const char* parent : {"/a", "a", "a/b.slice", ".slice", "a--b.slice"})
        CHECK(contains(bad([&](auto& o) {
                           o.exec_opts = {"native.cgroupdriver=systemd"};
                           o.cgroup_parent = parent;
                       }),
                       "a valid slice named as \"xxx.slice\""));
    options = {};
    CHECK(run(interpret_resources).cgroup_parent == "/kist");
    host.exec_opts = {"native.cgroupdriver=systemd"};
    CHECK(run(interpret_resources).cgroup_parent == "system.slice");
    host.cgroup_parent = "machine.slice";
    CHECK(run(interpret_resources).cgroup_parent == "machine.slice");
    options.cgroup_parent = "a-b.slice";
    CHECK(run(interpret_resources).cgroup_parent == "a-b.slice");
    options.exec_opts = {"native.cgroupdriver=cgroupfs"};
    options.cgroup_parent = "/x/";
    CHECK(run(interpret_resources).cgroup_parent == "/x");
    host = {};
    options = {};
    options.memory = "64m";
    options.cpus = "0.5";
    options.memory_swap = "-1";
    auto r = run(interpret_resources).resources;
    CHECK(r.memory == 64 << 20);
    CHECK(r.memory_swap == -1);
    CHECK(r.nano_cpus == 500'000'000);
    options.oom_kill_disable = true;
    options.memory = options.memory_swap = "";
    run(interpret_resources);
    CHECK(warnings.size() == 1);
}

TEST_CASE_METHOD(Creation, "ulimits, sysctls, ports and log options") {
    options.ulimits = {"nofile=5:10", "core=-1"};
    auto limits = run(interpret_limits).ulimits;
    CHECK(limits.at(0) == oci::Rlimit{"RLIMIT_NOFILE", 10, 5});
    CHECK(limits.at(1).hard == UINT64_MAX);
    auto bad = [&](auto set) {
        options = {};
        set(options);
        return failure(interpret_limits);
    };
    CHECK(contains(bad([](auto& o) { o.ulimits = {"nofile=5:3"}; }), "less than or equal to hard limit: 5 > 3"));
    CHECK(contains(bad([](auto& o) { o.ulimits = {"nofiles=5"}; }), "did you mean 'nofile'"));
    CHECK(contains(bad([](auto& o) { o.sysctls = {"kernel.panic=1"}; }), "not allowed"));
    CHECK(contains(bad([](auto& o) { o.sysctls = {"net.a=1\nx"}; }), "invalid sysctl"));
    CHECK(contains(bad([](auto& o) { o.log_driver = "splunk"; }), "unknown log driver"));
    CHECK(contains(bad([](auto& o) { o.log_opts = {"max-sice=1m"}; }), "did you mean 'max-size'"));
    CHECK(contains(bad([](auto& o) { o.log_opts = {"max-file=0"}; }), "invalid value '0'"));
    options = {};
    options.expose = {"0"};
    CHECK(contains(failure(interpret_ports), "invalid port"));
    options.expose = {"80", "81-83/UDP"};
    CHECK(run(interpret_ports).exposed_ports == Words{"80/tcp", "81-83/udp"});
    config.namespaces.network = "host";
    options.sysctls = {"net.ipv4.ip_forward=1"};
    CHECK(contains(failure(interpret_limits), "not allowed with --network mode 'host'"));
}

TEST_CASE("published ports: ranges on both sides, or one of a range of the host's") {
    CHECK(parse_port("8000-8010:80") == std::vector<netns::PortMapping>{{"tcp", "", 8000, 80, 1, 8010}});
    CHECK(parse_port("8000-8010:8000-8010/udp") == std::vector<netns::PortMapping>{{"udp", "", 8000, 8000, 11}});
    CHECK(parse_port("[::1]:8080:80") == std::vector<netns::PortMapping>{{"tcp", "::1", 8080, 80, 1}});
    CHECK(parse_port("80-81").size() == 2);
    CHECK_THROWS_AS(parse_port("8000-8010:80-81"), UsageError);
    CHECK_THROWS_AS(parse_port("8010-8000:80"), UsageError);
}

TEST_CASE_METHOD(Creation, "namespace modes are stored with full ids, and unknown ones list what there is") {
    auto modes = run(interpret_namespaces).namespaces;
    CHECK(modes.network == "bridge");
    CHECK(modes.pid == "private");
    options.pid = "container:other";
    options.networks = {options.pid};
    CHECK(run(interpret_namespaces).namespaces.network == "container:" + other.config.id);
    options.ipc = "container:other";
    CHECK(contains(failure(interpret_namespaces), "it is private"));
    other.config.namespaces.ipc = "shareable";
    CHECK(failure(interpret_namespaces) == "");
    options.pid = "slirp4netns";
    CHECK(contains(failure(interpret_namespaces), "container:NAME|ID or ns:PATH"));
    options.pid = "";
    options.networks = {"ns:/etc/passwd"};
    CHECK(contains(failure(interpret_namespaces), "is not a namespace"));
    options.networks = {"ns:/proc/self/ns/net"};
    CHECK(run(interpret_namespaces).namespaces.network == "ns:/proc/self/ns/net");
}

TEST_CASE_METHOD(Creation, "host names, DNS servers and extra hosts") {
    CHECK(run(interpret_names).hostname == std::string(12, 'c'));
    options.hostname = "web-1";
    options.add_hosts = {"db:10.0.0.1", "six=[::1]"};
    options.dns = {"1.1.1.1"};
    auto named = run(interpret_names);
    CHECK(named.hostname == "web-1");
    CHECK(named.extra_hosts == Words{"db:10.0.0.1", "six:::1"});
    options.dns = {"one"};
    CHECK(contains(failure(interpret_names), "'one' is not an IP address"));
    options.dns = {};
    options.add_hosts = {"db"};
    CHECK(contains(failure(interpret_names), "it is NAME:IP"));
    options.add_hosts = {};
    options.hostname = "bad name";
    CHECK(contains(failure(interpret_names), "invalid hostname"));
    options.hostname = "x";
    config.namespaces.uts = "host";
    CHECK(contains(failure(interpret_names), "conflicting options"));
}
