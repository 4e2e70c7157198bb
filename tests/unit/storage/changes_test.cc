// SPDX-License-Identifier: Apache-2.0
#include "storage/changes.hh"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/tree_tar.hh"

using namespace kist;
using namespace kist::storage;

namespace {

/// Two trees that begin the same.
class Trees {
public:
    Trees() {
        before.make_dir("same");
        after.make_dir("same");
        settle();
    }
    void file(const Dir& where, const std::string& name, const std::string& text) const {
        const auto fd = where.open_file(name, O_WRONLY | O_CREAT | O_TRUNC);
        write_full(*fd, text, name);
    }
    /// Folders change their time by what is made in them; here all have one time.
    void settle() const {
        for (const Dir* dir : {&before, &after}) touch(*dir);
    }
    std::vector<std::string> compared(const std::set<std::string>& mount_points = {}) const {
        std::vector<std::string> lines;
        for (const Change& change : compare_trees(before, after, mount_points))
            lines.push_back(std::string(name_of(change.kind)) + " " + change.path);
        return lines;
    }

    TempDir temp;
    Dir before = Dir::create(temp.path() + "/before"), after = Dir::create(temp.path() + "/after");

private:
    static void touch(const Dir& dir) {
        const timespec times[2] = {{1, 0}, {1, 0}};
        for (const std::string& name : dir.names()) {
            struct stat st;
            if (::fstatat(dir.fd().get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
                touch(dir.open_dir(name));
            ::utimensat(dir.fd().get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW);
        }
    }
};

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("equal trees have no changes") { CHECK(Trees().compared().empty()); }

TEST_CASE("added, deleted and modified files are found, and their folder with them") {
    Trees t;
    const Dir old_folder = t.before.open_dir("same"), new_folder = t.after.open_dir("same");
    t.file(old_folder, "gone", "1");
    t.file(old_folder, "kept", "1");
    t.file(new_folder, "kept", "1");
    t.file(old_folder, "other", "1");
    t.file(new_folder, "other", "22");
    t.file(new_folder, "new", "1");
    t.settle();
    CHECK(t.compared() == Lines{"C /same", "D /same/gone", "A /same/new", "C /same/other"});
}

TEST_CASE("a folder comes before what is in it, and names that go on behind it come later") {
    Trees t;
    t.file(t.after.create_dir("a"), "b", "1");
    t.file(t.after, "a.c", "1");
    CHECK(t.compared() == Lines{"A /a", "A /a/b", "A /a.c"});
}

TEST_CASE("another kind of file, mode or link text is a change") {
    Trees t;
    t.file(t.before, "x", "");
    t.file(t.after.create_dir("x"), "inner", "1");
    REQUIRE(::symlinkat("one", t.before.fd().get(), "l") == 0);
    REQUIRE(::symlinkat("two", t.after.fd().get(), "l") == 0);
    REQUIRE(::fchmodat(t.after.fd().get(), "same", 0711, 0) == 0);
    t.settle();
    CHECK(t.compared() == Lines{"C /l", "C /same", "C /x", "A /x/inner"});
}

TEST_CASE("what is empty where something is mounted is no change, but a file beside it is") {
    Trees t;
    t.after.create_dir("a").create_dir("b").create_dir("c");
    t.file(t.after.open_dir("same"), "hosts", "");
    CHECK(t.compared({"/a/b/c", "/same/hosts"}).empty());
    t.file(t.after.open_dir("a"), "mine", "1");
    CHECK(t.compared({"/a/b/c", "/same/hosts"}) == Lines{"A /a", "A /a/mine"});
    t.file(t.after.open_dir("same"), "hosts", "written");
    CHECK(t.compared({"/a/b/c", "/same/hosts"}) == Lines{"A /a", "A /a/mine", "C /same", "A /same/hosts"});
}

TEST_CASE("an upper folder is compared by its own names alone") {
    Trees t; // before: the layers; after: the upper folder
    t.file(t.before.open_dir("same"), "below", "1");
    t.file(t.before.open_dir("same"), "copied-up", "1");
    t.file(t.after.open_dir("same"), "copied-up", "2");
    t.file(t.after, "new", "1");
    t.settle();
    Lines lines;
    for (const Change& change : find_changes(t.after, t.before.fd(), {}))
        lines.push_back(std::string(name_of(change.kind)) + " " + change.path);
    CHECK(lines == Lines{"A /new", "C /same", "C /same/copied-up"});
    lines.clear();
    for (const Change& change : find_changes(t.after, Fd(), {}))
        lines.push_back(std::string(name_of(change.kind)) + " " + change.path);
    CHECK(lines == Lines{"A /new", "A /same", "A /same/copied-up"});
}
