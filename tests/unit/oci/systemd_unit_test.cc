// SPDX-License-Identifier: Apache-2.0
// Names of scopes and slices, and the properties that stand for limits.
#include "oci/run/systemd_unit.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"

using namespace kist;
using namespace kist::oci;
using dbus::Property;
using Properties = std::vector<Property>;

namespace {

constexpr std::uint64_t infinity = UINT64_MAX;
Property number(const char* name, std::uint64_t value) { return {name, value}; }
Properties of(const char* file, const char* value) { return limit_properties({{"/c", file, value}}); }
std::string failure_of(const std::string& cgroups_path) {
    try {
        (void)parse_scope(cgroups_path, "c");
    } catch (const Error& error) {
        return error.message();
    }
    return "";
}

} // namespace

TEST_CASE("a slice lies in the slices that its name is made of") {
    CHECK(slice_path("system.slice") == "/system.slice");
    CHECK(slice_path("a-b-c.slice") == "/a.slice/a-b.slice/a-b-c.slice");
    CHECK(slice_path("-.slice").empty());
    CHECK(slice_path("kubepods-pod1_2.slice") == "/kubepods.slice/kubepods-pod1_2.slice");
    for (const char* bad : {"", "a", ".slice", "-a.slice", "a-.slice", "a--b.slice", "a/b.slice", "--.slice",
                            "a b.slice", "a.slice/b.slice", "../a.slice", "\xc3\xa4.slice"})
        CHECK_THROWS_AS(slice_path(bad), Error);
}

TEST_CASE("cgroupsPath names a slice, a prefix and a name") {
    CHECK(parse_scope("machine.slice:libpod:abc", "c") == ScopeName{"machine.slice", "libpod-abc.scope"});
    CHECK(parse_scope(":crio:abc", "c") == ScopeName{"system.slice", "crio-abc.scope"});
    CHECK(parse_scope("", "c.d") == ScopeName{"system.slice", "kist-oci-c.d.scope"});
    CHECK(parse_scope("-:x:y", "c") == ScopeName{"-.slice", "x-y.scope"});
    CHECK(scope_path({"a-b.slice", "x-y.scope"}) == "/a.slice/a-b.slice/x-y.scope");
    CHECK(scope_path({"-.slice", "x-y.scope"}) == "/x-y.scope");
}

TEST_CASE("another form of cgroupsPath is refused, and the message says which is right") {
    for (const char* bad : {"/a/b", "a", "a.slice:b", "a.slice:b:c:d", "a.slice:b:"})
        CHECK(failure_of(bad).find("SLICE:PREFIX:NAME") != std::string::npos);
    CHECK(failure_of("a:b:c") == "linux.cgroupsPath: 'a' is not the name of a slice like 'system.slice'");
    CHECK(failure_of("a.slice:b/..:c") == "linux.cgroupsPath: 'b/..-c.scope' is no name of a scope");
    CHECK(failure_of("a.slice:b:c+d").find("is no name of a scope") != std::string::npos);
    CHECK(failure_of("a.slice:b:" + std::string(300, 'x')).find("is no name of a scope") != std::string::npos);
    CHECK(failure_of("a.slice:b:c.slice").find("names a slice") != std::string::npos);
}

TEST_CASE("what is written to files is what systemd is told") {
    CHECK(of("memory.max", "67108864") == Properties{number("MemoryMax", 67108864)});
    CHECK(of("memory.max", "max") == Properties{number("MemoryMax", infinity)});
    CHECK(of("memory.low", "1") == Properties{number("MemoryLow", 1)});
    CHECK(of("memory.high", " 2\n") == Properties{number("MemoryHigh", 2)});
    CHECK(of("memory.min", "3") == Properties{number("MemoryMin", 3)});
    CHECK(of("memory.swap.max", "0") == Properties{number("MemorySwapMax", 0)});
    CHECK(of("pids.max", "max") == Properties{number("TasksMax", infinity)});
    CHECK(of("cpu.weight", "79") == Properties{number("CPUWeight", 79)});
    CHECK(of("cpu.idle", "1") == Properties{number("CPUWeight", 0)});
    CHECK(of("io.weight", "500") == Properties{number("IOWeight", 500)});
    CHECK(of("io.weight", "default 500") == Properties{number("IOWeight", 500)});
    CHECK(limit_properties({{"/c", "cpu.weight", "50"}, {"/c", "cpu.idle", "0"}}) ==
          Properties{number("CPUWeight", infinity), number("CPUWeight", 50)});
    for (const char* file : {"io.max", "hugetlb.2MB.max", "rdma.max", "cpu.max.burst", "cgroup.type"})
        CHECK(of(file, "1").empty());
}

TEST_CASE("a quota is a share of a second, in whole percents that are never less") {
    CHECK(of("cpu.max", "50000 100000") ==
          Properties{number("CPUQuotaPerSecUSec", 500000), number("CPUQuotaPeriodUSec", 100000)});
    CHECK(of("cpu.max", "12345 100000").front() == number("CPUQuotaPerSecUSec", 130000));
    CHECK(of("cpu.max", "250000") == Properties{number("CPUQuotaPerSecUSec", 2500000)});
    CHECK(of("cpu.max", "max 20000") ==
          Properties{number("CPUQuotaPerSecUSec", infinity), number("CPUQuotaPeriodUSec", 20000)});
    for (const char* bad : {"", "x", "1 x", "1 0", "1 2 3", "1 2000000", "18446744073709551614"})
        CHECK(of("cpu.max", bad).empty());
}

TEST_CASE("a set of processors is a bit each") {
    using Bits = std::vector<std::uint8_t>;
    CHECK(of("cpuset.cpus", "0-2,9") == Properties{{"AllowedCPUs", Bits{0x07, 0x02}}});
    CHECK(of("cpuset.mems", "0") == Properties{{"AllowedMemoryNodes", Bits{0x01}}});
    for (const char* bad : {"a", "2-1", "0-", "-1", "0,,1", "0-99999999"}) CHECK(of("cpuset.cpus", bad).empty());
}

TEST_CASE("annotations become properties of the types that they are written as") {
    const auto one = [](const char* name, const char* value) {
        return annotated_properties({{std::string("org.systemd.property.") + name, value}}).at(0);
    };
    CHECK(one("CollectMode", "'inactive-or-failed'") == Property{"CollectMode", std::string("inactive-or-failed")});
    CHECK(one("TimeoutStopUSec", "uint64 123456789") == number("TimeoutStopUSec", 123456789));
    CHECK(one("TimeoutStopSec", "5") == number("TimeoutStopUSec", 5000000));
    CHECK(one("TimeoutStopSec", "uint64 7") == number("TimeoutStopUSec", 7000000));
    CHECK(one("SendSIGHUP", "true") == Property{"SendSIGHUP", true});
    CHECK(one("Before", "['a.service', \"b.service\"]") == Property{"Before", dbus::Strings{"a.service", "b.service"}});
    CHECK(one("Before", "[]") == Property{"Before", dbus::Strings{}});
    CHECK(one("KillSignal", "int32 9") == Property{"KillSignal", std::int32_t{9}});
    CHECK(one("KillSignal", "-1") == Property{"KillSignal", std::int32_t{-1}});
    CHECK(one("Text", R"('it\'s')") == Property{"Text", std::string("it's")});
    CHECK(annotated_properties({{"org.example", "x"}, {"org.systemd.propertyX", "x"}}).empty());
}

TEST_CASE("an annotation that is no property is an error that names it") {
    const auto fails = [](const std::string& name, const char* value) {
        CHECK_THROWS_AS(annotated_properties({{"org.systemd.property." + name, value}}), Error);
    };
    for (const char* value : {"", "word", "'open", "['a'", "['a' 'b']", "[1]", "uint64 -1", "uint32 4294967296",
                              "int32 x", "float 1", "99999999999"})
        fails("Property", value);
    for (const char* name : {"", "ab", "A b", "A/B", "A1"}) fails(name, "true");
    for (const char* value : {"-1", "true", "'5'", "uint64 18446744073709551615"}) fails("TimeoutStopSec", value);
}
