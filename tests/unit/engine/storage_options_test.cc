// SPDX-License-Identifier: Apache-2.0
// What --storage-opt, storage-opts and /etc/sysconfig/kist-storage may say.
#include "engine/storage_options.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"

using namespace kist;
using namespace kist::engine;

namespace {

using Words = std::vector<std::string>;

StorageOptions parse(const Words& options) { return parse_storage_options(options, "overlay"); }

std::string refusal(const Words& options, const std::string& driver = "overlay") {
    try {
        parse_storage_options(options, driver);
    } catch (const UsageError& error) {
        return error.message() + error.hint();
    }
    return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("options of the overlay are words for the kernel, the last of a key counts") {
    CHECK(parse({}) == StorageOptions{});
    CHECK(parse({"overlay2.index=on", "overlay.index=off", "overlay2.xino=auto"}).mount ==
          Words{"index=off", "xino=auto"});
    CHECK(parse({"overlay2.mountopt=nodev,metacopy=on", "overlay2.volatile=true"}).mount ==
          Words{"nodev", "volatile", "metacopy=on"});
    CHECK(parse({"overlay2.volatile=true", "overlay2.volatile=false"}).mount.empty());
    CHECK(parse({"overlay2.size=10m"}).size == 10 << 20);
    CHECK(parse({"overlay2.override_kernel_check=true"}).override_kernel_check);
}

TEST_CASE("an unknown storage option names the nearest") {
    CHECK(contains(refusal({"overlay2.indx=on"}), "index"));
    CHECK(contains(refusal({"overlay2.index=yes"}), "'off' or 'on'"));
    CHECK(contains(refusal({"overlay2.mountopt=nodv"}), "nodev"));
    CHECK(contains(refusal({"index=on"}), "DRIVER.KEY=VALUE"));
    CHECK(contains(refusal({"overlay2.size=-1"}), "no size"));
    CHECK(contains(refusal({"overlay2.volatile=maybe"}), "true or false"));
    CHECK(contains(refusal({"overly.index=on"}), "overlay"));
    CHECK(contains(refusal({"dm.fs=ext4"}), "devicemapper"));
    CHECK(contains(refusal({"overlay2.index=on"}, "vfs"), "vfs has no options"));
}

TEST_CASE("a container has a size only") {
    CHECK(parse_container_size({}) == 0);
    CHECK(parse_container_size({"size=1g"}) == 1 << 30);
    CHECK_THROWS_AS(parse_container_size({"index=on"}), UsageError);
    CHECK_THROWS_AS(parse_container_size({"size=big"}), UsageError);
    CHECK_THROWS_AS(parse_container_size({"size"}), UsageError);
}

TEST_CASE("the arguments in a file of the distribution's") {
    const StorageArguments both{"overlay2", {"overlay2.index=on"}};
    CHECK(parse_storage_arguments(
              "# how\nKIST_STORAGE_OPTIONS=\"--storage-driver=overlay2 --storage-opt overlay2.index=on\"\n", "f") ==
          both);
    CHECK(parse_storage_arguments("KIST_STORAGE_OPTIONS='-s overlay2  --storage-opt=overlay2.index=on'", "f") == both);
    CHECK(parse_storage_arguments("OTHER=1\nKIST_STORAGE_OPTIONS=\n", "f") == StorageArguments{});
    CHECK_THROWS_AS(parse_storage_arguments("KIST_STORAGE_OPTIONS=--root=/x", "f"), Error);
    CHECK_THROWS_AS(parse_storage_arguments("KIST_STORAGE_OPTIONS=--storage-driver", "f"), Error);
}
