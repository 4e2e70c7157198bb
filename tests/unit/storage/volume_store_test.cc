// SPDX-License-Identifier: Apache-2.0
// Volumes on disk: made once, found again, removed whole; damage and leftovers harm no other volume.
#include "storage/volume_store.hh"

#include <algorithm>
#include <atomic>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include "storage/container_store.hh"

using namespace kist;
using namespace kist::storage;

namespace {

struct Fixture {
    TempDir temp;
    Store store = Store::open({temp.path() + "/root", temp.path() + "/run"});
    VolumeStore volumes{store};
    Dir folder(const std::string& path) { return Dir::open(temp.path() + "/root/volumes" + path); }
};

VolumeRecord named(const std::string& name) {
    VolumeRecord record;
    record.name = name;
    return record;
}

} // namespace

TEST_CASE("a volume is found again with all that was said of it") {
    Fixture f;
    VolumeRecord record = named("my_data");
    record.created = 5;
    record.labels = {{"a", "b"}};
    record.options = {{"type", "tmpfs"}};
    CHECK_FALSE(f.volumes.find("my_data"));
    CHECK(f.volumes.create(record));
    CHECK(f.volumes.find("my_data") == record);
    CHECK(f.volumes.folder("my_data").open_dir("_data").names().empty());
    CHECK_FALSE(f.volumes.create(named("my_data")));
    CHECK(f.volumes.find("my_data") == record);
}

TEST_CASE("names of volumes cannot leave their folder") {
    Fixture f;
    for (const char* bad : {"", ".", "..", ".tmp-1", "../x", "a/b", "-a", "a b", "a\nb"}) {
        CHECK_FALSE(is_volume_name(bad));
        CHECK_THROWS_AS(f.volumes.create(named(bad)), UsageError);
        CHECK_FALSE(f.volumes.remove(bad));
    }
    CHECK_FALSE(is_volume_name(std::string(241, 'a')));
    const std::string longest(240, 'a');
    CHECK(f.volumes.create(named(longest)));
    CHECK(f.volumes.lock(longest, LockMode::exclusive).fd());
}

TEST_CASE("of many that make one volume exactly one wins, and the others leave nothing") {
    Fixture f;
    std::atomic<int> winners = 0;
    std::vector<std::jthread> makers;
    for (int i = 0; i < 8; ++i) makers.emplace_back([&] { winners += f.volumes.create(named("same")) ? 1 : 0; });
    makers.clear();
    CHECK(winners == 1);
    CHECK(f.folder("").names() == std::vector<std::string>{"same"});
}

TEST_CASE("a volume is removed with its content") {
    Fixture f;
    f.volumes.create(named("gone"));
    write_atomically(f.volumes.folder("gone").open_dir("_data"), "file", "text", Durability::volatile_);
    CHECK(f.volumes.remove("gone"));
    CHECK_FALSE(f.volumes.remove("gone"));
    CHECK(f.folder("").names().empty());
}

TEST_CASE("a damaged record is named, still listed and removable, and harms no other volume") {
    Fixture f;
    f.volumes.create(named("good"));
    f.volumes.create(named("torn"));
    write_atomically(f.folder("/torn"), "volume.json", "{\"schema\":1,\"name\":\"torn\"}\n", Durability::volatile_);
    CHECK_THROWS_AS(f.volumes.find("torn"), Error);
    CHECK(f.volumes.find("good"));
    f.folder("").create_dir(".tmp-0123"); // of a maker that was killed
    CHECK(f.volumes.names() == std::vector<std::string>{"good", "torn"});
    CHECK(f.volumes.remove("torn"));
}

TEST_CASE("what a killed create or remove leaves is swept, but not while one is at work") {
    Fixture f;
    f.volumes.create(named("good"));
    f.folder("").create_dir(".tmp-0123").create_dir("_data");
    {
        const auto busy = FileLock::acquire(f.store.run().create_dir("locks"), "volumes", LockMode::shared);
        f.volumes.sweep();
        CHECK(f.folder("").exists(".tmp-0123"));
    }
    f.volumes.sweep();
    CHECK(f.folder("").names() == std::vector<std::string>{"good"});
}

TEST_CASE("a new volume is fresh, and its folder has the owner and the mode that were asked for") {
    Fixture f;
    const mode_t before = ::umask(0077);
    VolumeRecord record = named("own");
    record.uid = ::getuid();
    record.gid = ::getgid();
    f.volumes.create(record);
    ::umask(before);
    CHECK(f.volumes.is_fresh("own"));
    struct stat facts {};
    CHECK(::stat(f.volumes.data_path("own").c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0755);
}

namespace {

struct WithContainers : Fixture {
    ContainerStore containers{store};
    std::string add(const std::string& name, const std::string& volume, bool anonymous, bool auto_remove = false) {
        ContainerConfig config;
        config.id = containers.new_id().str();
        config.name = name;
        config.created = 1;
        config.auto_remove = auto_remove;
        MountConfig mount;
        mount.type = "volume";
        mount.name = volume;
        mount.anonymous = anonymous;
        mount.destination = "/v";
        config.mounts = {mount};
        containers.create(config);
        VolumeRecord record = named(volume);
        record.anonymous = anonymous;
        record.auto_remove = auto_remove;
        record.owner = config.id;
        volumes.create(record);
        return config.id;
    }
    void remove(const std::string& id, ContainerStore::Volumes how) {
        const ContainerId parsed = *ContainerId::parse(id);
        const auto lock = containers.lock(parsed);
        containers.remove(parsed, how);
    }
};

} // namespace

TEST_CASE("who uses a volume is known, also from a damaged record") {
    WithContainers f;
    const std::string one = f.add("one", "data", false);
    const std::string two = f.add("two", "data", false);
    f.add("three", "other", false);
    auto users = f.containers.volume_users({"data"});
    CHECK(users.size() == 1);
    CHECK(users["data"].size() == 2);
    CHECK(f.containers.volume_users().size() == 2);
    const Dir folder = Dir::open(f.temp.path() + "/root/containers/" + two);
    write_atomically(folder, "config.json", R"({"schema":1,"mounts":[{"type":"volume","name":"data")",
                     Durability::volatile_);
    users = f.containers.volume_users({"data"});
    CHECK(users["data"].size() == 2);
    CHECK(std::any_of(users["data"].begin(), users["data"].end(),
                      [&](const auto& user) { return user.is_damaged && user.id == two; }));
}

TEST_CASE("anonymous volumes go with their container when asked for, named ones never") {
    WithContainers f;
    const std::string one = f.add("one", "named", false);
    const std::string two = f.add("two", "anonymous", true);
    const std::string three = f.add("three", "kept", true);
    f.remove(one, ContainerStore::Volumes::remove_anonymous);
    f.remove(two, ContainerStore::Volumes::remove_anonymous);
    f.remove(three, ContainerStore::Volumes::keep);
    CHECK(f.volumes.names() == std::vector<std::string>{"kept", "named"});
}

TEST_CASE("an anonymous volume that another container uses stays until that one goes") {
    WithContainers f;
    const std::string one = f.add("one", "shared", true, true);
    const std::string two = f.add("two", "shared", true);
    f.remove(one, ContainerStore::Volumes::keep); // --rm
    CHECK(f.volumes.exists("shared"));
    f.remove(two, ContainerStore::Volumes::remove_anonymous);
    CHECK_FALSE(f.volumes.exists("shared"));
}

TEST_CASE("after a boot the volumes of --rm containers go, and no others") {
    WithContainers f;
    VolumeRecord lost = named(anonymous_volume_name(std::string(64, 'a')));
    lost.anonymous = lost.auto_remove = true;
    lost.owner = std::string(64, 'a');
    f.volumes.create(lost);
    VolumeRecord kept = named(anonymous_volume_name(std::string(64, 'b')));
    kept.anonymous = true;
    kept.owner = std::string(64, 'b');
    f.volumes.create(kept);
    f.add("lives", "used", true, true);
    f.containers.sweep(ContainerStore::Sweep::quick); // the first of this boot
    CHECK(f.volumes.names() == std::vector<std::string>{kept.name, "used"});
}
