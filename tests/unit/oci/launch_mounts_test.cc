// SPDX-License-Identifier: Apache-2.0
// What a launched container sees of files: its root, standard mounts, devices, masks, bind mounts, and hostile images.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "sandbox.hh"

using namespace kist;
using namespace kist::oci;
using namespace kist::oci::test;

namespace fs = std::filesystem;

namespace {

std::string host_mounts() { return read_file("/proc/self/mountinfo", 1 << 20); }

Mount bind_mount(const std::string& from, const std::string& to, std::vector<std::string> words = {"rbind"}) {
    return {.destination = to, .type = "bind", .source = from, .options = std::move(words)};
}

} // namespace

TEST_CASE("the standard mounts are there with their options") {
    const Sandbox box;
    const std::string out = box.run("cat /proc/mounts").out;
    CAPTURE(out);
    CHECK(has(out, "overlay / overlay rw,"));
    CHECK(has(out, "proc /proc proc rw,nosuid,nodev,noexec,relatime"));
    CHECK(has(out, "tmpfs /dev tmpfs rw,nosuid,size=65536k,mode=755"));
    CHECK(has(out, "devpts /dev/pts devpts rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=666"));
    CHECK(has(out, "sysfs /sys sysfs ro,nosuid,nodev,noexec,relatime"));
    CHECK(has(out, "mqueue /dev/mqueue mqueue rw,nosuid,nodev,noexec,relatime"));
    CHECK(has(out, "shm /dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=65536k"));
    CHECK(has(out, "proc /proc/sys proc ro,"));
}

TEST_CASE("nothing of the host's mounts remains in the container, and nothing of the container's on the host") {
    const std::string before = host_mounts();
    {
        const Sandbox box;
        const std::string out = box.run("cat /proc/self/mountinfo").out;
        CHECK(!has(out, " - ext4 "));
        CHECK(host_mounts() == before);
    }
    CHECK(host_mounts() == before);
}

TEST_CASE("/dev has the default devices and links and no others") {
    const Sandbox box;
    const std::string out = box.run(
                                   "cd /dev; for f in *; do echo $f $(stat -c '%F %a %t:%T' $f); done; for f in fd "
                                   "ptmx stdin; do readlink $f; done")
                                .out;
    CAPTURE(out);
    for (const char* line : {"null character special file 666 1:3", "zero character special file 666 1:5",
                             "full character special file 666 1:7", "random character special file 666 1:8",
                             "urandom character special file 666 1:9", "tty character special file 666 5:0",
                             "pts directory", "shm directory 1777"})
        CHECK(has(out, line));
    CHECK(has(out, "/proc/self/fd\npts/ptmx\n/proc/self/fd/0\n"));
    CHECK(!has(out, "console"));
    CHECK(!has(out, "vda"));
}

TEST_CASE("masked files are empty, masked folders too, and neither can be changed") {
    const Sandbox box;
    fs::create_directory(box.image() + "/secret");
    write_file(box.image() + "/secret/key", "s3cret");
    write_file(box.image() + "/secret-file", "s3cret");
    Spec spec = box.spec(
        "cat /proc/interrupts | wc -c; ls /secret | wc -l; cat /secret-file; touch /secret/x; chmod 000 "
        "/proc/interrupts; "
        "echo > /proc/sys/kernel/domainname; true");
    spec.linux_.masked_paths.insert(spec.linux_.masked_paths.end(), {"/secret", "/secret-file", "/no/such/path"});
    const Result result = box.run(spec);
    CAPTURE(result.out);
    CHECK(result.error == "");
    CHECK(result.out.starts_with("0\n0\n"));
    CHECK(!has(result.out, "s3cret"));
    CHECK(has(result.out, "touch: /secret/x: Read-only file system"));
    CHECK(has(result.out, "chmod: /proc/interrupts: Read-only file system"));
    CHECK(has(result.out, "can't create /proc/sys/kernel/domainname: Read-only file system"));
    struct stat null {};
    REQUIRE(::stat("/dev/null", &null) == 0);
    CHECK((null.st_mode & 0777) == 0666);
}

TEST_CASE("an image whose /dev/null is a link does not get it used as a mask") {
    const Sandbox box;
    fs::create_directory(box.image() + "/dev");
    fs::create_symlink("/proc/sys/kernel/core_pattern", box.image() + "/dev/null");
    Spec spec = box.spec("stat -c %t:%T /proc/interrupts; stat -c %t:%T /dev/null");
    const Result result = box.run(spec);
    CHECK(result.error == "");
    CHECK(result.out == "1:3\n1:3\n");
}

TEST_CASE("a read-only root cannot be written while its mounts can") {
    const Sandbox box;
    Spec spec = box.spec("touch /x; touch /dev/shm/y && echo shm");
    spec.root->readonly = true;
    const Result result = box.run(spec);
    CHECK(has(result.out, "touch: /x: Read-only file system"));
    CHECK(has(result.out, "shm\n"));
}

TEST_CASE("bind mounts of files and folders, writable and not, at places that do not exist yet") {
    const Sandbox box;
    const std::string folder = box.outside() + "/folder";
    fs::create_directory(folder);
    const std::string file = write_file(box.outside() + "/file", "from the host\n");
    Spec spec = box.spec(
        "cat /deep/down/file; touch /data/made; touch /locked/no; echo x > /etc/locked-file; grep -E '/data|/locked' "
        "/proc/mounts");
    spec.mounts.push_back(bind_mount(file, "/deep/down/file"));
    spec.mounts.push_back(bind_mount(folder, "/data", {"rbind", "nosuid", "nodev"}));
    spec.mounts.push_back(bind_mount(folder, "/locked", {"rbind", "ro"}));
    spec.mounts.push_back(bind_mount(file, "/etc/locked-file", {"bind", "ro"}));
    const Result result = box.run(spec);
    CAPTURE(result.out, result.error);
    CHECK(has(result.out, "from the host\n"));
    CHECK(fs::exists(folder + "/made"));
    CHECK(!fs::exists(folder + "/no"));
    CHECK(has(result.out, "touch: /locked/no: Read-only file system"));
    CHECK(has(result.out, "can't create /etc/locked-file: Read-only file system"));
    CHECK(has(result.out, " /data ext4 rw,nosuid,nodev") == has(host_mounts(), " / / rw,relatime - ext4"));
    CHECK(read_file(file, 100) == "from the host\n");
}

TEST_CASE("recursive read-only reaches mounts below a volume") {
    const Sandbox box;
    const std::string below = box.outside() + "/below";
    fs::create_directory(below);
    REQUIRE(::mount("tmpfs", below.c_str(), "tmpfs", 0, "size=64k") == 0);
    Spec spec = box.spec("touch /plain/below/yes && echo plain; touch /rec/below/no && echo rec");
    spec.mounts.push_back(bind_mount(box.outside(), "/plain", {"rbind", "ro"}));
    spec.mounts.push_back(bind_mount(box.outside(), "/rec", {"rbind", "rro"}));
    const Result result = box.run(spec);
    ::umount2(below.c_str(), MNT_DETACH);
    CAPTURE(result.out, result.error);
    CHECK(has(result.out, "plain\n"));
    CHECK(has(result.out, "touch: /rec/below/no: Read-only file system"));
}

TEST_CASE("a missing source of a bind mount names itself") {
    const Sandbox box;
    Spec spec = box.spec("true");
    spec.mounts.push_back(bind_mount("/no/such/folder", "/data"));
    CHECK(box.run(spec).error == "mounting '/data': mounting from '/no/such/folder': No such file or directory");
}

TEST_CASE("a destination through links of the image stays inside it") {
    const Sandbox box;
    fs::create_directory(box.image() + "/a");
    fs::create_symlink("../../../../../..", box.image() + "/a/up");
    const std::string canary = write_file(box.outside() + "/canary", "untouched");
    fs::create_symlink(canary, box.image() + "/etc/hosts");
    const std::string file = write_file(box.outside() + "/hosts", "mine\n");
    Spec spec = box.spec("cat /kist-escape/file; cat /etc/hosts");
    spec.mounts.push_back(bind_mount(file, "/a/up/kist-escape/file"));
    spec.mounts.push_back(bind_mount(file, "/etc/hosts"));
    const Result result = box.run(spec);
    CHECK(result.error == "");
    CHECK(result.out == "mine\nmine\n");
    CHECK(!fs::exists("/kist-escape"));
    CHECK(read_file(canary, 100) == "untouched");
}

TEST_CASE("/proc and /sys as links are refused") {
    for (const std::string name : {"proc", "sys"}) {
        const Sandbox box;
        fs::create_directory(box.image() + "/elsewhere");
        fs::create_symlink("/elsewhere", box.image() + "/" + name);
        CHECK(box.run("true").error == "mounting '/" + name + "': it is not a folder in the image");
    }
}

TEST_CASE("nothing is mounted over or below /proc, not even through a link") {
    const Sandbox box;
    fs::create_symlink("/proc/sys", box.image() + "/trap");
    const auto run = [&](const std::string& to) {
        Spec spec = box.spec("true");
        spec.mounts.push_back(bind_mount(box.outside(), to));
        return box.run(spec).error;
    };
    CHECK(run("/proc") == "mounting '/proc': only procfs may be mounted on '/proc'");
    CHECK(has(run("/proc/sys"), "where nothing may be mounted"));
    CHECK(has(run("/trap"), "leads into procfs"));
    CHECK(has(run("/trap/../self"), "where nothing may be mounted") == false);
}

TEST_CASE("/dev as a link leads nowhere outside") {
    const Sandbox box;
    fs::create_symlink(box.outside(), box.image() + "/dev");
    // Inside the root the link's target does not exist.
    CHECK(has(box.run("true").error, "mounting '/dev'"));
    CHECK(fs::is_empty(box.outside()));
}

TEST_CASE("tmpcopyup starts a tmpfs with the image's files and leaves those alone") {
    const Sandbox box;
    Spec spec =
        box.spec("cat /full/sub/file; echo changed > /full/sub/file; cat /full/sub/file; grep ' /full ' /proc/mounts");
    spec.mounts.push_back(
        {.destination = "/full", .type = "tmpfs", .source = "tmpfs", .options = {"tmpcopyup", "size=1m"}});
    const Result result = box.run(spec);
    CAPTURE(result.error);
    CHECK(has(result.out, "copied\nchanged\ntmpfs /full tmpfs rw"));
    CHECK(read_file(box.image() + "/full/sub/file", 100) == "copied\n");
}

TEST_CASE("an overlay of many lower layers, and a root without upper layer") {
    const Sandbox box;
    RootMount root = box.root();
    for (int i = 0; i < 60; ++i) {
        const std::string layer = box.outside() + "/layer" + std::to_string(i);
        fs::create_directory(layer);
        write_file(layer + "/number", std::to_string(i) + "\n");
        root.lower.insert(root.lower.begin(), layer);
    }
    const auto run = [&](const std::string& script) {
        Pipe output = make_pipe();
        LaunchOptions options;
        options.stdio = {0, output.write.get(), output.write.get()};
        Spec spec = box.spec(script);
        CreatedProcess process = create_container(spec, root, box.cgroup(), options);
        process.start();
        output.write.reset();
        return read_all(output.read, 1000, "output");
    };
    CHECK(run("cat /number") == "59\n");
    root.lower = {box.image()};
    root.upper.clear();
    for (const char* name : {"proc", "sys", "dev"}) fs::create_directory(box.image() + "/" + name);
    CHECK(has(run("touch /x 2>&1"), "Read-only file system"));
}
