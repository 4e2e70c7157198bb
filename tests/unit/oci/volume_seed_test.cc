// SPDX-License-Identifier: Apache-2.0
// The first mount of a volume: seeded once, whole or not at all, and never over what is there.
#include "oci/run/volume_seed.hh"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "oci/run/mount_plan.hh"

using namespace kist;
using namespace kist::oci;

namespace {

using Seed = MountOptions::Seed;

struct Volume {
    TempDir temp;
    Dir volume = Dir::create(temp.path() + "/volume");
    Dir image = Dir::create(temp.path() + "/image");

    Volume() {
        volume.create_dir("_data", 0755);
        make_fresh();
        write_atomically(image, "file", "image", Durability::volatile_);
        image.create_dir("below");
        REQUIRE(::symlinkat("/etc/passwd", image.fd().get(), "link") == 0);
        REQUIRE(::fchmod(image.fd().get(), 0751) == 0);
    }
    void make_fresh() { volume.open_file("fresh", O_WRONLY | O_CREAT); }
    std::vector<LateOwner> seed(Seed how, bool has_image = true) {
        MountOptions options;
        options.seed = how;
        const Fd none;
        return seed_volume(volume.path_of("_data"), has_image ? image.fd() : none, options);
    }
    std::size_t files() { return volume.open_dir("_data").names().size(); }
    mode_t mode() {
        struct stat facts {};
        REQUIRE(::fstatat(volume.fd().get(), "_data", &facts, AT_SYMLINK_NOFOLLOW) == 0);
        return facts.st_mode & 07777;
    }
};

MountOptions words(std::vector<std::string> list) { return parse_mount_options(list); }

} // namespace

TEST_CASE("a new volume gets the image's files and its folder's mode, and is not new any more") {
    Volume v;
    CHECK(v.seed(Seed::volatile_).empty());
    CHECK(v.files() == 3);
    CHECK(v.mode() == 0751);
    CHECK_FALSE(v.volume.exists("fresh"));
    CHECK_FALSE(v.volume.exists("_seed"));
    CHECK(read_file(v.volume.open_dir("_data"), "file", 100) == "image");
}

TEST_CASE("what is in a volume stays, new or not") {
    Volume v;
    write_atomically(v.volume.open_dir("_data"), "mine", "mine", Durability::volatile_);
    v.seed(Seed::volatile_);
    CHECK(v.files() == 1);
    CHECK(v.mode() == 0755);
    CHECK_FALSE(v.volume.exists("fresh"));
}

TEST_CASE("a volume that was mounted before stays empty") {
    Volume v;
    v.volume.remove_file("fresh");
    v.seed(Seed::volatile_);
    CHECK(v.files() == 0);
}

TEST_CASE("without a copy only owner and mode are taken") {
    Volume v;
    v.seed(Seed::owner);
    CHECK(v.files() == 0);
    CHECK(v.mode() == 0751);
}

TEST_CASE("where the image has nothing, the folder is for the container's user") {
    Volume v;
    const auto late = v.seed(Seed::volatile_, false);
    REQUIRE(late.size() == 1);
    CHECK_FALSE(late[0].is_recursive);
    CHECK(v.files() == 0);
}

TEST_CASE("a copy that was cut off is made again from the start") {
    Volume v;
    write_atomically(v.volume.create_dir("_seed"), "half", "half", Durability::volatile_);
    v.seed(Seed::durable);
    CHECK(v.files() == 3);
    CHECK_FALSE(v.volume.open_dir("_data").exists("half"));
}

TEST_CASE("the runtime's own words of a mount") {
    const MountOptions options =
        words({"rbind", "kist.subpath=a/b", "kist.seed=durable", "kist.keep-owner", "kist.chown"});
    CHECK(options.subpath == "a/b");
    CHECK(options.seed == Seed::durable);
    CHECK(options.keep_owner);
    CHECK(options.give_to_user);
    CHECK(options.data.empty());
    CHECK(words({"kist.seed=often"}).data.size() == 1); // which a bind then refuses
}

TEST_CASE("an overlay that names its layers one by one is made of descriptors; a subpath of a tmpfs is refused") {
    Spec spec;
    spec.mounts = {{"/i",
                    "overlay",
                    "overlay",
                    {"lowerdir+=/a:b", "lowerdir+=/c", "upperdir=/u", "workdir=/w", "index=off", "ro"}}};
    const RootPlan plan = plan_root(spec);
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].kind == MountStep::Kind::overlay);
    CHECK(plan.steps[0].overlay.lower == std::vector<std::string>{"/a:b", "/c"});
    CHECK(plan.steps[0].overlay.upper == "/u");
    CHECK(plan.steps[0].overlay.options == std::vector<std::string>{"index=off"});
    spec.mounts = {{"/i", "overlay", "overlay", {"lowerdir+=/a", "upperdir=/u"}}};
    CHECK_THROWS_AS(plan_root(spec), Error);
    spec.mounts = {{"/t", "tmpfs", "tmpfs", {"kist.subpath=x"}}};
    CHECK_THROWS_AS(plan_root(spec), Error);
}
