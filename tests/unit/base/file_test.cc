// SPDX-License-Identifier: Apache-2.0
// Folders, bounded reads, atomic replacement, removal of trees that were built to be hard to remove.
#include "base/file.hh"

#include <csignal>
#include <cstdlib>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hh"

using namespace kist;

namespace {
void put(const Dir& dir, const std::string& name, std::string_view bytes) {
    write_atomically(dir, name, bytes, Durability::volatile_);
}
} // namespace

TEST_CASE("a folder is made with what is missing above it") {
    const TempDir temp;
    const Dir deep = Dir::create(temp.path() + "/a//b/c", 0711);
    CHECK(deep.path() == temp.path() + "/a//b/c");
    CHECK(Dir::open_if_exists(temp.path() + "/a/b/c"));
    CHECK_FALSE(Dir::open_if_exists(temp.path() + "/x"));
    CHECK_THROWS_AS(Dir::open(temp.path() + "/x"), SysError);
    put(deep, "file", "");
    CHECK_THROWS_AS(Dir::create(temp.path() + "/a/b/c/file/d"), SysError);
}

TEST_CASE("children of a folder go by single name and links are not followed") {
    const TempDir temp;
    const Dir dir = Dir::open(temp.path());
    CHECK(dir.make_dir("sub"));
    CHECK_FALSE(dir.make_dir("sub"));
    CHECK(dir.open_dir("sub").path() == temp.path() + "/sub");
    CHECK_FALSE(dir.open_dir_if_exists("none"));
    CHECK_THROWS_AS(dir.open_dir("none"), SysError);
    REQUIRE(::symlinkat("sub", dir.fd().get(), "link") == 0);
    CHECK_THROWS_AS(dir.open_dir("link"), SysError);
    CHECK_THROWS_AS(dir.open_file("link", O_RDONLY), SysError);
    CHECK(dir.exists("link"));
    CHECK_FALSE(dir.exists("none"));
    CHECK_FALSE(dir.open_file("none", O_RDONLY));
    for (const char* bad : {"", ".", "..", "a/b", "/etc"}) {
        CHECK_THROWS_AS(dir.open_file(bad, O_RDONLY), Error);
        CHECK_THROWS_AS(dir.make_dir(bad), Error);
        CHECK_THROWS_AS(dir.remove_tree(bad), Error);
    }
    CHECK(dir.names().size() == 2);
    CHECK(dir.remove_file("link"));
    CHECK_FALSE(dir.remove_file("link"));
}

TEST_CASE("a file is read whole up to the limit") {
    const TempDir temp;
    const Dir dir = Dir::open(temp.path());
    const std::string big(100'000, 'x');
    put(dir, "big", big);
    put(dir, "empty", "");
    CHECK(read_file(dir, "big", big.size()) == big);
    CHECK_THROWS_AS(read_file(dir, "big", big.size() - 1), Error);
    CHECK(read_file(temp.path() + "/empty", 0).empty());
    CHECK_FALSE(read_file_if_exists(dir, "none", 10));
    CHECK_FALSE(read_file_if_exists(temp.path() + "/none", 10));
    CHECK_THROWS_AS(read_file(dir, "none", 10), SysError);
    CHECK(read_file("/proc/self/stat", 4096).starts_with(std::to_string(::getpid()))); // says its size is 0
}

TEST_CASE("pipes are read to their end") {
    Pipe pipe = make_pipe();
    write_full(pipe.write, std::string(9000, 'y'), "pipe");
    pipe.write.reset();
    CHECK(read_all(pipe.read, 9000, "pipe").size() == 9000);
}

TEST_CASE("a file is replaced whole, private, and without litter") {
    const TempDir temp;
    const Dir dir = Dir::open(temp.path());
    write_atomically(dir, "state", "old", Durability::durable);
    write_atomically(dir, "state", "new", Durability::volatile_);
    CHECK(read_file(dir, "state", 10) == "new");
    CHECK(dir.names() == std::vector<std::string>{"state"});
    struct stat st;
    REQUIRE(::stat((temp.path() + "/state").c_str(), &st) == 0);
    CHECK((st.st_mode & 0777) == 0600);
    dir.make_dir("folder");
    CHECK_THROWS_AS(write_atomically(dir, "folder", "x", Durability::volatile_), SysError);
    CHECK(dir.names().size() == 2);
}

TEST_CASE("a writer that is killed leaves the old or the new content, never a mixture") {
    const TempDir temp;
    const Dir dir = Dir::open(temp.path());
    const std::string a(20'000, 'a'), b(30'000, 'b');
    put(dir, "state", a);
    for (int round = 0; round < 20; ++round) {
        const pid_t pid = ::fork();
        if (pid == 0)
            for (;;) {
                put(dir, "state", a);
                put(dir, "state", b);
            }
        ::usleep(static_cast<useconds_t>(500 + 137 * round));
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        const std::string now = read_file(dir, "state", 100'000);
        REQUIRE((now == a || now == b));
    }
    for (const std::string& name : dir.names()) CHECK((name == "state" || name.starts_with(temp_prefix)));
}

TEST_CASE("a tree is removed with everything in it and without following links") {
    const TempDir temp;
    const Dir dir = Dir::open(temp.path());
    dir.make_dir("outside");
    put(dir.open_dir("outside"), "precious", "x");
    const Dir tree = dir.create_dir("tree");
    for (int i = 0; i < 50; ++i) {
        const Dir sub = tree.create_dir("sub" + std::to_string(i), 0700);
        put(sub, "file", "x");
        REQUIRE(::symlinkat("../../outside", sub.fd().get(), "link") == 0);
        REQUIRE(::mkfifoat(sub.fd().get(), "fifo", 0600) == 0);
        sub.make_dir("empty");
    }
    CHECK(dir.remove_tree("tree"));
    CHECK_FALSE(dir.exists("tree"));
    CHECK(dir.open_dir("outside").exists("precious"));
    CHECK_FALSE(dir.remove_tree("tree"));
    REQUIRE(::symlinkat("outside", dir.fd().get(), "link") == 0);
    CHECK(dir.remove_tree("link"));
    CHECK(dir.exists("outside"));
}

TEST_CASE("a tree that is deeper than any path and than the descriptors we may open is removed") {
    const TempDir temp;
    const Dir dir = Dir::open(temp.path());
    Dir level = dir.create_dir("tree");
    for (int depth = 0; depth < 3000; ++depth) {
        REQUIRE(::mkdirat(level.fd().get(), "d", 0700) == 0);
        if (depth % 500 == 0) put(level, "file", "x");
        level = Dir(Fd{::openat(level.fd().get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC)}, "deep");
        REQUIRE(level);
    }
    level = Dir();
    CHECK(dir.remove_tree("tree"));
    CHECK(dir.names().empty());
}

TEST_CASE("what cannot be removed is named") {
    if (::geteuid() == 0) return; // root may remove anything here; the mount case is a system test
    const TempDir temp;
    const Dir dir = Dir::open(temp.path());
    const Dir tree = dir.create_dir("tree").create_dir("sub");
    put(tree, "file", "x");
    REQUIRE(::fchmod(tree.fd().get(), 0500) == 0);
    try {
        dir.remove_tree("tree");
        FAIL("the file was removed");
    } catch (const SysError& error) {
        CHECK(error.message() == "removing '" + temp.path() + "/tree/sub/file': Permission denied");
    }
    REQUIRE(::fchmod(tree.fd().get(), 0700) == 0);
}

TEST_CASE("a temporary folder goes with its owner") {
    std::string path;
    {
        TempDir first;
        path = first.path();
        put(Dir::open(path), "file", "x");
        const TempDir second = std::move(first);
        CHECK(second.path() == path);
    }
    CHECK_FALSE(Dir::open_if_exists(path));
}

TEST_CASE("several files appear together, and none of them when one cannot be written") {
    const TempDir temp;
    const Dir one = Dir::create(temp.path() + "/one"), two = Dir::create(temp.path() + "/two");
    put(one, "a", "old");
    {
        AtomicFiles files;
        files.add(one, "a", "new");
        files.add(two, "b", "other");
        CHECK(read_file(one, "a", 10) == "old");
        CHECK_FALSE(two.exists("b"));
        files.place();
        files.sync();
    }
    CHECK(read_file(one, "a", 10) == "new");
    CHECK(read_file(two, "b", 10) == "other");
    CHECK(one.names().size() == 1);
    {
        AtomicFiles files;
        files.add(one, "c", "x");
        CHECK_THROWS_AS(files.add(two, "a/b", "x"), Error);
    }
    CHECK(one.names().size() == 1);
    CHECK(two.names().size() == 1);
}
