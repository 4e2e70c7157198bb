// SPDX-License-Identifier: Apache-2.0
#include "storage/copy_files.hh"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"

using namespace kist;
using namespace kist::storage;

namespace {

struct Places {
    TempDir temp;
    Dir from = Dir::create(temp.path() + "/from"), to = Dir::create(temp.path() + "/to");
    std::vector<std::string> warnings;

    CopyRules rules() {
        return {.owner = FileOwner{::geteuid(), ::getegid()},
                .warn = [this](const std::string& text) { warnings.push_back(text); }};
    }
    void file(const Dir& where, const std::string& name, const std::string& text) const {
        write_full(*where.open_file(name, O_WRONLY | O_CREAT | O_TRUNC), text, name);
    }
    Fd item(const std::string& name) const {
        return Fd{::openat(from.fd().get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    }
    struct stat facts(const Dir& where, const std::string& name) const {
        struct stat st {};
        REQUIRE(::fstatat(where.fd().get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0);
        return st;
    }
};

} // namespace

TEST_CASE("a copy has the contents, times and mode of its source, without setuid bits") {
    Places p;
    p.file(p.from, "a", "text");
    REQUIRE(::fchmodat(p.from.fd().get(), "a", 04751, 0) == 0);
    FileCopy(p.rules()).item(p.item("a"), p.to, "b", "a");
    CHECK(read_file(p.to, "b", 100) == "text");
    CHECK((p.facts(p.to, "b").st_mode & 07777) == 0751);
    CHECK(p.facts(p.to, "b").st_mtim.tv_nsec == p.facts(p.from, "a").st_mtim.tv_nsec);
    CopyRules keep = p.rules();
    keep.keep_privileges = true;
    FileCopy(keep).item(p.item("a"), p.to, "c", "a");
    CHECK((p.facts(p.to, "c").st_mode & 07777) == 04751);
}

TEST_CASE("a file that is replaced has another inode, so readers of the old one are not disturbed") {
    Places p;
    p.file(p.from, "a", "new");
    p.file(p.to, "a", "older");
    const Fd reader = std::move(*p.to.open_file("a", O_RDONLY));
    FileCopy(p.rules()).item(p.item("a"), p.to, "a", "a");
    CHECK(read_all(reader, 100, "old") == "older");
    CHECK(read_file(p.to, "a", 100) == "new");
    CHECK(p.to.names().size() == 1);
}

TEST_CASE("names of one file stay names of one file, and holes stay holes") {
    Places p;
    const Dir folder = p.from.create_dir("d");
    p.file(folder, "one", "x");
    REQUIRE(::linkat(folder.fd().get(), "one", folder.fd().get(), "two", 0) == 0);
    const auto sparse = folder.open_file("sparse", O_WRONLY | O_CREAT);
    REQUIRE(::ftruncate(sparse->get(), 8 << 20) == 0);
    REQUIRE(::pwrite(sparse->get(), "x", 1, 4 << 20) == 1);
    FileCopy(p.rules()).item(p.item("d"), p.to, "d", "d");
    const Dir copied = p.to.open_dir("d");
    CHECK(p.facts(copied, "one").st_ino == p.facts(copied, "two").st_ino);
    CHECK(p.facts(copied, "sparse").st_size == 8 << 20);
    CHECK(p.facts(copied, "sparse").st_blocks < 2048);
}

TEST_CASE("a link is copied as a link, also over one; what it points to is never touched") {
    Places p;
    REQUIRE(::symlinkat("/nowhere", p.from.fd().get(), "l") == 0);
    p.file(p.to, "victim", "safe");
    REQUIRE(::symlinkat("victim", p.to.fd().get(), "l") == 0);
    FileCopy(p.rules()).item(p.item("l"), p.to, "l", "l");
    char text[32] = {};
    REQUIRE(::readlinkat(p.to.fd().get(), "l", text, sizeof text - 1) == 8);
    CHECK(std::string(text) == "/nowhere");
    p.file(p.from, "f", "data");
    REQUIRE(::unlinkat(p.to.fd().get(), "l", 0) == 0);
    REQUIRE(::symlinkat("victim", p.to.fd().get(), "l") == 0);
    FileCopy(p.rules()).item(p.item("f"), p.to, "l", "f");
    CHECK(read_file(p.to, "victim", 100) == "safe");
}

TEST_CASE("a folder and another kind of file take each other's place only when asked to") {
    Places p;
    p.file(p.from, "x", "file");
    p.file(p.to.create_dir("x"), "inner", "1");
    CHECK_THROWS_AS(FileCopy(p.rules()).item(p.item("x"), p.to, "x", "x"), Error);
    CHECK(p.to.open_dir("x").exists("inner"));
    CopyRules rules = p.rules();
    rules.overwrite = true;
    FileCopy(rules).item(p.item("x"), p.to, "x", "x");
    CHECK(read_file(p.to, "x", 100) == "file");
    p.from.make_dir("y");
    p.file(p.to, "y", "1");
    CHECK_THROWS_AS(FileCopy(p.rules()).item(p.item("y"), p.to, "y", "y"), Error);
    FileCopy(rules).item(p.item("y"), p.to, "y", "y");
    CHECK(p.to.open_dir("y").names().empty());
}

TEST_CASE("a folder that is copied into itself ends") {
    Places p;
    p.file(p.from, "a", "1");
    FileCopy(p.rules()).item(Fd{::open(p.from.path().c_str(), O_PATH | O_CLOEXEC)}, p.from, "inside", "from");
    CHECK(p.from.open_dir("inside").names() == std::vector<std::string>{"a"});
}

TEST_CASE("sockets are left out with a word about it") {
    Places p;
    REQUIRE(::mknodat(p.from.fd().get(), "s", S_IFSOCK | 0600, 0) == 0);
    FileCopy(p.rules()).item(p.item("s"), p.to, "s", "s");
    CHECK(p.to.names().empty());
    CHECK(p.warnings.size() == 1);
}
