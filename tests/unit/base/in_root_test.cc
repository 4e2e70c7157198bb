// SPDX-License-Identifier: Apache-2.0
// Hostile trees: whatever links say, nothing outside the root is reached.
#include "base/in_root.hh"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"

using namespace kist;

namespace {

/// <temp>/secret lies outside; <temp>/root is the tree of the container.
struct Tree {
    TempDir temp;
    Dir outside = Dir::open(temp.path());
    Dir root = outside.create_dir("root", 0755);
    Tree() {
        write_atomically(outside, "secret", "outside", Durability::volatile_);
        write_atomically(root, "secret", "inside", Durability::volatile_);
        root.make_dir("dir", 0755);
    }
    const Fd& fd() const { return root.fd(); }
    void link(const std::string& target, const std::string& name) const {
        REQUIRE(::symlinkat(target.c_str(), root.fd().get(), name.c_str()) == 0);
    }
    std::string read(std::string_view path) const { return read_in_root(fd(), path, 100).value_or("<none>"); }
};

mode_t mode_of(const Fd& fd) {
    struct stat st;
    REQUIRE(::fstat(fd.get(), &st) == 0);
    return st.st_mode & 07777;
}

} // namespace

TEST_CASE("links and dots cannot lead out of the root") {
    const Tree tree;
    tree.link("../../../../../../secret", "up");
    tree.link("/secret", "absolute");
    tree.link(tree.temp.path() + "/secret", "host");
    REQUIRE(::symlinkat("..", tree.root.open_dir("dir").fd().get(), "parent") == 0);
    CHECK(tree.read("up") == "inside");
    CHECK(tree.read("/absolute") == "inside");
    CHECK(tree.read("host") == "<none>");
    CHECK(tree.read("../secret") == "inside");
    CHECK(tree.read("/../../secret") == "inside");
    CHECK(tree.read("dir/parent/dir/parent/../secret") == "inside");
}

TEST_CASE("magic links of proc are not followed") {
    const Fd slash{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    CHECK_THROWS_AS(open_in_root(slash, "/proc/self/root", O_RDONLY), SysError);
    CHECK_THROWS_AS(open_in_root(slash, "/proc/self/exe", O_RDONLY), SysError);
}

TEST_CASE("a failed open names the path as the container sees it") {
    const Tree tree;
    tree.link("loop", "loop");
    try {
        open_in_root(tree.fd(), "/etc/passwd", O_RDONLY);
        FAIL("opened");
    } catch (const SysError& error) {
        CHECK(error.message() == "opening '/etc/passwd' in the container: No such file or directory");
    }
    CHECK_THROWS_AS(open_in_root(tree.fd(), "loop", O_RDONLY), SysError);
    CHECK_THROWS_AS(open_in_root(tree.fd(), std::string_view("dir\0x", 5), O_RDONLY), Error);
    CHECK_FALSE(open_in_root_if_exists(tree.fd(), "none", O_RDONLY));
    CHECK_FALSE(open_in_root_if_exists(tree.fd(), "secret/x", O_RDONLY));
    CHECK((::fcntl(open_in_root(tree.fd(), "dir", O_RDONLY).get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("folders are made inside the root, through links too, with the mode asked for") {
    const Tree tree;
    tree.link("/dir", "alias");
    const mode_t before = ::umask(077);
    CHECK(mode_of(make_dirs_in_root(tree.fd(), "/alias/a/b", 0751)) == 0751);
    ::umask(before);
    CHECK(mode_of(open_in_root(tree.fd(), "dir/a", O_PATH)) == 0751);
    CHECK(mode_of(open_in_root(tree.fd(), "dir", O_PATH)) == 0755);
    make_dirs_in_root(tree.fd(), "../../x/./y//z/");
    CHECK(open_in_root_if_exists(tree.fd(), "x/y/z", O_PATH));
    CHECK_FALSE(tree.outside.exists("x"));
    CHECK(make_dirs_in_root(tree.fd(), ""));
    CHECK(make_dirs_in_root(tree.fd(), "/"));
}

TEST_CASE("a link that leads out of the root leads to the same path inside it") {
    const Tree tree;
    tree.outside.make_dir("victim");
    tree.root.make_dir("victim", 0755);
    tree.link("../victim", "up");
    tree.link(tree.temp.path() + "/victim", "host");
    make_dirs_in_root(tree.fd(), "up/made");
    CHECK(tree.root.open_dir("victim").exists("made"));
    CHECK(tree.outside.open_dir("victim").names().empty());
    CHECK_THROWS_AS(make_dirs_in_root(tree.fd(), "host/made"), SysError); // dangling inside
    CHECK_THROWS_AS(make_dirs_in_root(tree.fd(), "secret/made"), SysError);
}

TEST_CASE("an empty file is made as the target of a mount, an existing one is left alone") {
    const Tree tree;
    const Fd made = make_file_in_root(tree.fd(), "/etc/new/hosts", 0640);
    CHECK(mode_of(made) == 0640);
    CHECK(tree.read("etc/new/hosts").empty());
    make_file_in_root(tree.fd(), "secret");
    CHECK(tree.read("secret") == "inside");
    CHECK_THROWS_AS(make_file_in_root(tree.fd(), "dir"), SysError);
    CHECK_THROWS_AS(make_file_in_root(tree.fd(), "dir/"), SysError);
    CHECK_THROWS_AS(make_file_in_root(tree.fd(), ".."), SysError);
}

TEST_CASE("a file whose link points nowhere is made where the link points, inside the root") {
    const Tree tree;
    REQUIRE(::symlinkat("../run/resolve/stub.conf", tree.root.open_dir("dir").fd().get(), "resolv.conf") == 0);
    tree.link("/abs/file", "absolute");
    tree.link("../../../../" + tree.temp.path() + "/escaped", "escape");
    make_file_in_root(tree.fd(), "dir/resolv.conf");
    CHECK(tree.read("run/resolve/stub.conf").empty());
    make_file_in_root(tree.fd(), "absolute");
    CHECK(tree.read("abs/file").empty());
    make_file_in_root(tree.fd(), "escape");
    CHECK_FALSE(tree.outside.exists("escaped"));
    tree.link("b", "a");
    tree.link("a", "b");
    CHECK_THROWS_AS(make_file_in_root(tree.fd(), "a"), SysError);
}

TEST_CASE("only regular files of bounded size are read, and nothing blocks") {
    const Tree tree;
    REQUIRE(::mkfifoat(tree.fd().get(), "fifo", 0600) == 0);
    CHECK_THROWS_AS(read_in_root(tree.fd(), "fifo", 100), Error);
    CHECK_THROWS_AS(read_in_root(tree.fd(), "dir", 100), Error);
    CHECK_THROWS_AS(read_in_root(tree.fd(), "secret", 5), Error);
    CHECK_FALSE(read_in_root(tree.fd(), "none", 100));
}

TEST_CASE("paths are cleaned lexically and never climb above the root") {
    CHECK(clean_path("/a//b/./c/..") == "/a/b");
    CHECK(clean_path("/../../x") == "/x");
    CHECK(clean_path("/") == "/");
    CHECK(clean_path("//") == "/");
    CHECK(clean_path("/a/..") == "/");
    CHECK(clean_path("a/b/../c/") == "a/c");
    CHECK(clean_path("../a") == "a");
    CHECK(clean_path("") == ".");
    CHECK(clean_path("a/..") == ".");
    CHECK(clean_path("/...") == "/...");
}
