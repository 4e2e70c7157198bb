// SPDX-License-Identifier: Apache-2.0
// "-u" in all its spellings, against hostile passwd and group files.
#include "oci/run/user_lookup.hh"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"

using namespace kist;
using oci::resolve_user;

namespace {

constexpr const char* passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "daemon:x:1:1::/usr/sbin:/bin/false\n"
    "web:x:1000:1000:Web:/srv/web:/bin/sh\n"
    "1000:x:0:0:a number as a name (CVE-2016-3697):/:/bin/sh\n"
    "4294967296000:x:0:0:an overlong one (CVE-2026-46680):/:/bin/sh\n"
    "-1:x:0:0::/:/bin/sh\n"
    "+1:x:0:0::/:/bin/sh\n"
    " 1:x:0:0::/:/bin/sh\n"
    "1 :x:0:0::/:/bin/sh\n"
    "broken:x:abc:0::/:/bin/sh\n"
    "huge:x:4294967296:0::/:/bin/sh\n"
    "minus:x:-1:0::/:/bin/sh\n"
    "short:x:7\n"
    "nohome:x:8:8:::/bin/sh\n"
    "web:x:0:0:a second entry of the same name:/:/bin/sh\n"
    "high:x:4294967294:4294967294::/high:/bin/sh\n"
    "a.b-c_d$:x:9:9::/odd:/bin/sh\n";
constexpr const char* group =
    "root:x:0:\n"
    "audio:x:29:web,daemon\n"
    "video:x:44:web\n"
    "same:x:29:web\n"
    "web:x:1000:\n"
    "29:x:0:web\n"
    "bad:x:xyz:web\n"
    "minus:x:-1:web\n"
    "others:x:50:webmaster,webb\n";

class Root {
public:
    Root() { ::mkdir((folder_.path() + "/etc").c_str(), 0755); }
    Root(std::string_view passwd_text, std::string_view group_text) : Root() {
        write("/etc/passwd", passwd_text);
        write("/etc/group", group_text);
    }
    void write(const std::string& path, std::string_view text) const {
        const Fd fd{::open((folder_.path() + path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
        write_full(fd, text, path);
    }
    std::string path(const std::string& inside) const { return folder_.path() + inside; }
    const Fd& fd() const { return fd_; }

private:
    TempDir folder_;
    Fd fd_{::open(folder_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
};

/// "uid:gid", or "error" when it is refused.
std::string numbers(const Root& root, const std::string& user) {
    try {
        const auto found = resolve_user(root.fd(), user, {});
        return std::to_string(found.uid) + ":" + std::to_string(found.gid);
    } catch (const Error&) {
        return "error";
    }
}

std::string message_of(const Root& root, const std::string& user, const std::vector<std::string>& groups = {}) {
    try {
        resolve_user(root.fd(), user, groups);
        return "no error";
    } catch (const Error& error) {
        return error.message();
    }
}

} // namespace

TEST_CASE("every spelling of -u is either the number it says, a name, or an error") {
    const Root root(passwd, group);
    const std::vector<std::pair<std::string, std::string>> table{{"", "0:0"},
                                                                 {"root", "0:0"},
                                                                 {"0", "0:0"},
                                                                 {"00", "0:0"},
                                                                 {"1", "1:1"},
                                                                 {"01", "1:1"},
                                                                 {"0000000000001", "1:1"},
                                                                 {"1000", "1000:1000"},
                                                                 {"web", "1000:1000"},
                                                                 {"8", "8:8"},
                                                                 {"1234", "1234:0"},
                                                                 {"2147483647", "2147483647:0"},
                                                                 {"2147483648", "2147483648:0"},
                                                                 {"4294967294", "4294967294:4294967294"},
                                                                 {"4294967295", "error"},
                                                                 {"4294967296", "error"},
                                                                 {"4294967297", "error"},
                                                                 {"4294967296000", "error"},
                                                                 {"18446744073709551615", "error"},
                                                                 {"18446744073709551616", "error"},
                                                                 {"99999999999999999999999999", "error"},
                                                                 {"-1", "error"},
                                                                 {"+1", "error"},
                                                                 {"-0", "error"},
                                                                 {" 1", "error"},
                                                                 {"1 ", "error"},
                                                                 {"\t1", "error"},
                                                                 {"1\n", "error"},
                                                                 {"0x1", "error"},
                                                                 {"1e3", "error"},
                                                                 {"1.0", "error"},
                                                                 {"1_000", "error"},
                                                                 {"\xef\xbc\x91", "error"},
                                                                 {std::string("1\0", 2), "error"},
                                                                 {std::string("web\0x", 5), "error"},
                                                                 {"Web", "error"},
                                                                 {"webb", "error"},
                                                                 {"nobody", "error"},
                                                                 {"broken", "error"},
                                                                 {"huge", "error"},
                                                                 {"minus", "error"},
                                                                 {"short", "error"},
                                                                 {"nohome", "8:8"},
                                                                 {"high", "4294967294:4294967294"},
                                                                 {"a.b-c_d$", "9:9"},
                                                                 {"#web", "error"},
                                                                 {"web,daemon", "error"},
                                                                 {"../web", "error"},
                                                                 {"*", "error"}};
    REQUIRE(table.size() >= 40);
    for (const auto& [user, expected] : table) {
        CAPTURE(user);
        CHECK(numbers(root, user) == expected);
    }
}

TEST_CASE("user:group takes both parts by the same strict rules") {
    const Root root(passwd, group);
    const std::vector<std::pair<std::string, std::string>> table{
        {"web:audio", "1000:29"},    {"web:29", "1000:29"},
        {"1000:0", "1000:0"},        {"1000:4294967294", "1000:4294967294"},
        {":audio", "0:29"},          {":5", "0:5"},
        {"web:", "1000:1000"},       {":", "0:0"},
        {"web:nogroup", "error"},    {"web:-1", "error"},
        {"web:4294967295", "error"}, {"web: 29", "error"},
        {"web:bad", "error"},        {"web:minus", "error"},
        {"web:29:0", "error"},       {"web::", "error"},
        {"1234:web", "1234:1000"},   {"nobody:29", "error"}};
    for (const auto& [user, expected] : table) {
        CAPTURE(user);
        CHECK(numbers(root, user) == expected);
    }
}

TEST_CASE("groups list the primary one first, then the user's, then the added ones, each once") {
    const Root root(passwd, group);
    using Groups = std::vector<std::uint32_t>;
    CHECK(resolve_user(root.fd(), "web", {}).groups == Groups{1000, 29, 44, 0});
    CHECK(resolve_user(root.fd(), "1000", {}).groups == Groups{1000, 29, 44, 0});
    CHECK(resolve_user(root.fd(), "web:audio", {}).groups == Groups{29});
    CHECK(resolve_user(root.fd(), "1234", {}).groups == Groups{0});
    CHECK(resolve_user(root.fd(), "1234", {"audio", "29", "7", "same"}).groups == Groups{0, 29, 7});
    CHECK(resolve_user(root.fd(), "web:50", {"web"}).groups == Groups{50, 1000});
}

TEST_CASE("the home and the name come from the passwd entry") {
    const Root root(passwd, group);
    CHECK(resolve_user(root.fd(), "1000", {}).home == "/srv/web");
    CHECK(resolve_user(root.fd(), "1000", {}).name == "web");
    CHECK(resolve_user(root.fd(), "nohome", {}).home == "/");
    CHECK(resolve_user(root.fd(), "1234", {}).home == "/");
    CHECK(resolve_user(root.fd(), "1234", {}).name.empty());
    CHECK(resolve_user(root.fd(), "", {}).home == "/root");
}

TEST_CASE("messages name what was not found, in Docker's words") {
    const Root root(passwd, group);
    CHECK(message_of(root, "nobody") == "unable to find user nobody: no matching entries in passwd file");
    CHECK(message_of(root, "web:nope") == "unable to find group nope: no matching entries in group file");
    CHECK(message_of(root, "web", {"nope"}) == "unable to find group nope: no matching entries in group file");
    CHECK(message_of(root, "4294967295") == "user id 4294967295 is out of range (0 to 4294967294)");
}

TEST_CASE("an image without passwd and group knows numbers only") {
    const Root root;
    CHECK(numbers(root, "") == "0:0");
    CHECK(numbers(root, "5:6") == "5:6");
    CHECK(numbers(root, "root") == "error");
}

TEST_CASE("files that are too large, too long, no files or lead outside are never trusted") {
    const std::string long_line = "x:x:5:5:" + std::string(5000, 'g') + ":/:/bin/sh\n";
    CHECK(message_of(Root(long_line, ""), "x").find("longer than 4096") != std::string::npos);
    const Root large(std::string((1u << 20) + 1, '\n'), "");
    CHECK(numbers(large, "0") == "error");

    Root fifo;
    REQUIRE(::mkfifo(fifo.path("/etc/passwd").c_str(), 0644) == 0);
    CHECK(numbers(fifo, "web") == "error"); // and does not wait for a writer

    Root outside;
    TempDir host;
    const Fd fd{::open((host.path() + "/passwd").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
    write_full(fd, "web:x:0:0::/:/bin/sh\n", "passwd");
    REQUIRE(::symlink((host.path() + "/passwd").c_str(), outside.path("/etc/passwd").c_str()) == 0);
    CHECK(numbers(outside, "web") == "error");

    Root inside; // a link that stays inside is as good as a file
    inside.write("/real", "web:x:77:78::/:/bin/sh\n");
    REQUIRE(::symlink("/real", inside.path("/etc/passwd").c_str()) == 0);
    CHECK(numbers(inside, "web") == "77:78");
}
