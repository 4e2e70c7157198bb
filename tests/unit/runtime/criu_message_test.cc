// SPDX-License-Identifier: Apache-2.0
// Bytes as the protocol buffers of criu's rpc.proto have them.
#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"
#include "runtime/criu/message.hh"

using namespace kist;
using namespace kist::runtime::criu;
using std::string_literals::operator""s;

namespace {

bool has(const std::string& bytes, const std::string& part) { return bytes.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a request has its type first and then the options, with their length") {
    Options options;
    options.images_folder = 5;
    options.cgroups = CgroupMode::ignore;
    const std::string bytes = encode(Request::dump, options);
    // 9: log level; 12: notifications; 24: control groups; 34: their mode, which is sent though it is 0
    CHECK(bytes == "\x08\x01\x12\x0d\x08\x05\x48\x04\x60\x01\xc0\x01\x01\x90\x02\x00"s.replace(3, 1, 1, '\x0c'));
}

TEST_CASE("numbers above 127 take several bytes, texts their length") {
    Options options;
    options.images_folder = 300;
    options.log_file = "dump.log";
    options.pid = 70000;
    const std::string bytes = encode(Request::restore, options);
    CHECK(bytes.starts_with("\x08\x02"));
    CHECK(has(bytes, "\x08\xac\x02"));
    CHECK(has(bytes, "\x10\xf0\xa2\x04"));
    CHECK(has(bytes,
              "\x52\x08"
              "dump.log"));
}

TEST_CASE("flags that are off and texts that are empty are not sent") {
    Options options;
    options.images_folder = 1;
    const std::string plain = encode(Request::dump, options);
    options.leave_running = true;
    options.lsm_profile = "apparmor:x";
    const std::string more = encode(Request::dump, options);
    CHECK(more.size() == plain.size() + 2 + 2 + 1 + 10);
    CHECK(has(more, "\x18\x01"));
    CHECK(has(more,
              "\xaa\x03\x0a"
              "apparmor:x"));
}

TEST_CASE("mounts, descriptors and namespaces are messages of their own") {
    Options options;
    options.mounts = {{"/a", "/b"}};
    options.inherited = {{"pipe:[1]", 2}};
    options.joined_namespaces = {{"ipc", "/n"}};
    options.cgroup_root = "/c";
    const std::string bytes = encode(Request::restore, options);
    CHECK(has(bytes, "\xba\x01\x08\x0a\x02/a\x12\x02/b"));
    CHECK(has(bytes, "\xda\x01\x0c\x0a\x08pipe:[1]\x10\x02"));
    CHECK(has(bytes, "\xba\x02\x09\x0a\x03ipc\x12\x02/n"));
    CHECK(has(bytes, "\xca\x01\x04\x12\x02/c"));
    options.controllers = {"", "pids"};
    const std::string each = encode(Request::restore, options);
    CHECK(!has(each, "\xca\x01\x04\x12\x02/c"));
    CHECK(has(each, "\xca\x01\x06\x0a\x00\x12\x02/c"s));
    CHECK(has(each, "\xca\x01\x0a\x0a\x04pids\x12\x02/c"));
}

TEST_CASE("the answer to a notification says yes or no") {
    CHECK(encode_answer(true) == "\x08\x06\x18\x01"s);
    CHECK(encode_answer(false) == "\x08\x06\x18\x00"s);
}

TEST_CASE("answers: a restored process, a notification, a failure") {
    const Response restored = decode("\x08\x02\x10\x01\x22\x03\x08\xac\x02"s);
    CHECK(restored.type == 2);
    CHECK(restored.success);
    CHECK(restored.pid == 300);
    CHECK(restored.notification.empty());
    const Response told = decode("\x08\x06\x10\x01\x2a\x09\x0a\x05ready\x10\x07"s);
    CHECK(told.notification == "ready");
    CHECK(told.notified_pid == 7);
    const Response failed = decode(
        "\x08\x01\x10\x00\x38\x02\x4a\x03"
        "bad"s);
    CHECK(!failed.success);
    CHECK(failed.error == 2);
    CHECK(failed.message == "bad");
}

TEST_CASE("answers: fields that nobody knows are skipped, whatever their kind") {
    const Response response = decode(
        "\x98\x06\x01\x91\x06"
        "12345678"
        "\x95\x06"
        "1234"
        "\x9a\x06\x02xx\x10\x01"s);
    CHECK(response.success);
}

TEST_CASE("answers: what is cut off or of no known kind is an error") {
    for (const std::string& bytes : {"\x08"s, "\x22\x05\x08"s, "\x0b"s,
                                     "\x09"
                                     "123"s,
                                     "\x0d"
                                     "12"s,
                                     "\x2a\x02\x0a\x05"s, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s})
        CHECK_THROWS_AS(decode(bytes), Error);
}
