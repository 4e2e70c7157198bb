// SPDX-License-Identifier: Apache-2.0
// What the options of a volume's driver mean, and what the runtime gets to mount.
#include "engine/volume_source.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"

using namespace kist;
using namespace kist::engine;
using storage::MountConfig;
using storage::VolumeRecord;

namespace {

VolumeRecord with(std::map<std::string, std::string> options) {
    VolumeRecord record;
    record.name = "data";
    record.options = std::move(options);
    return record;
}

std::string refusal(std::map<std::string, std::string> options) {
    try {
        plan_volume_source(with(std::move(options)));
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

using Words = std::vector<std::string>;

} // namespace

TEST_CASE("a volume without options is a folder of ours") {
    const VolumeSource source = plan_volume_source(with({}));
    CHECK(source.kind == VolumeSource::Kind::folder);
    CHECK(source.options.empty());
}

TEST_CASE("words for a folder set its owner and the mount's flags") {
    const VolumeSource source = plan_volume_source(with({{"o", "uid=5,gid=6,nosuid,nocopy"}}));
    CHECK(source.kind == VolumeSource::Kind::folder);
    CHECK(source.uid == 5u);
    CHECK(source.gid == 6u);
    CHECK(source.no_copy);
    CHECK(source.options == Words{"nosuid"});
}

TEST_CASE("a bound volume is a folder of the host") {
    const VolumeSource source =
        plan_volume_source(with({{"type", "none"}, {"o", "bind,ro"}, {"device", "/srv//data/"}}));
    CHECK(source.kind == VolumeSource::Kind::bind);
    CHECK(source.device == "/srv/data");
    CHECK(source.options == Words{"bind", "ro"});
}

TEST_CASE("a file system gets its data") {
    const VolumeSource source = plan_volume_source(with({{"type", "tmpfs"}, {"o", "size=1m,uid=5"}}));
    CHECK(source.kind == VolumeSource::Kind::file_system);
    CHECK(source.device == "tmpfs");
    CHECK(source.options == Words{"size=1m", "uid=5"});
}

TEST_CASE("options that make no sense are refused, each with its name") {
    CHECK(refusal({{"device", "/srv"}}).find("bind") != std::string::npos);
    CHECK(refusal({{"type", "none"}}).find("bind") != std::string::npos);
    CHECK(refusal({{"o", "bind"}}).find("device") != std::string::npos);
    CHECK(refusal({{"o", "bind"}, {"device", "srv"}}).find("absolute") != std::string::npos);
    CHECK(refusal({{"type", "ext4"}}).find("device") != std::string::npos);
    CHECK(refusal({{"o", "nosiud"}}).find("nosiud") != std::string::npos);
    CHECK(refusal({{"type", "nfs"}, {"device", ":/x"}}).find("addr=") != std::string::npos);
    CHECK(refusal({{"type", "nfs4"}, {"device", ":/x"}, {"o", "addr=host,rw"}}).find("not a name") !=
          std::string::npos);
    CHECK(refusal({{"type", "nfs4"}, {"device", ":/x"}, {"o", "addr=192.0.2.1,rw"}}).empty());
    CHECK(refusal({{"o", "uid=me"}}).find("uid=me") != std::string::npos);
}

TEST_CASE("a fresh volume is seeded from the image, unless somebody does not want it") {
    MountConfig asked;
    asked.type = "volume";
    asked.destination = "/v";
    asked.options = {"rbind", "rprivate"};
    VolumeRecord record = with({});
    const VolumeFacts facts{"/store/volumes/data/_data", true};
    CHECK(plan_volume_mount(asked, record, facts) ==
          oci::Mount{"/v", "bind", "/store/volumes/data/_data", {"kist.seed=durable", "rbind", "rprivate"}});
    record.auto_remove = true;
    CHECK(plan_volume_mount(asked, record, facts).options.front() == "kist.seed=volatile");
    asked.no_copy = true;
    CHECK(plan_volume_mount(asked, record, facts).options.front() == "kist.seed=owner");
    CHECK(plan_volume_mount(asked, record, {facts.data_path, false}).options == asked.options);
}

TEST_CASE("a subpath and the words of a container come after those of the volume") {
    MountConfig asked;
    asked.destination = "/v";
    asked.subpath = "a/b";
    asked.options = {"rbind", "rw", "rprivate"};
    CHECK(plan_volume_mount(asked, with({{"o", "nodev"}}), {"/d", false}).options ==
          Words{"nodev", "rbind", "rw", "rprivate", "kist.subpath=a/b"});
}

TEST_CASE("a file system is mounted anew for each container, a tmpfs with the image's content") {
    MountConfig asked;
    asked.destination = "/v";
    asked.options = {"rbind", "ro", "rprivate"};
    const oci::Mount mount = plan_volume_mount(asked, with({{"type", "tmpfs"}, {"o", "size=1m"}}), {"/d", true});
    CHECK(mount.type == "tmpfs");
    CHECK(mount.source == "tmpfs");
    CHECK(mount.options == Words{"size=1m", "tmpcopyup", "ro", "rprivate"});
}
