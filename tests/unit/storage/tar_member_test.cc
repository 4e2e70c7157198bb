// SPDX-License-Identifier: Apache-2.0
#include "storage/tar_member.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist::storage;

namespace {

std::string field(const std::string& header, std::size_t offset, std::size_t size) {
    const std::string text = header.substr(offset, size);
    return text.substr(0, text.find('\0'));
}

} // namespace

TEST_CASE("a plain member is one ustar block with a right checksum") {
    TarMember member;
    member.path = "etc/hosts";
    member.mode = 0644;
    member.uid = 1;
    member.gid = 2;
    member.size = 513;
    member.mtime.tv_sec = 1;
    const std::string header = tar_headers(member);
    REQUIRE(header.size() == 512);
    CHECK(field(header, 0, 100) == "etc/hosts");
    CHECK(field(header, 100, 8) == "0000644");
    CHECK(field(header, 108, 8) == "0000001");
    CHECK(field(header, 124, 12) == "00000001001");
    CHECK(field(header, 136, 12) == "00000000001");
    CHECK(header.substr(257, 8) == std::string("ustar\00000", 8));
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
    CHECK(std::stoul(field(header, 148, 6), nullptr, 8) == sum);
}

TEST_CASE("what a ustar header cannot hold is in pax records whose lengths count themselves") {
    TarMember member;
    member.path = std::string(150, 'p');
    member.uid = 3'000'000'000u;
    member.size = 1ull << 40;
    member.mtime = {5, 7};
    member.xattrs = {{"user.a", std::string("\0\n", 2)}};
    const std::string headers = tar_headers(member);
    REQUIRE(headers.size() % 512 == 0);
    CHECK(headers[156] == 'x');
    const std::string records = headers.substr(512, std::stoul(field(headers, 124, 12), nullptr, 8));
    std::size_t at = 0, count = 0;
    while (at < records.size()) {
        const std::size_t length = std::stoul(records.substr(at));
        REQUIRE(records.at(at + length - 1) == '\n');
        at += length;
        ++count;
    }
    CHECK(at == records.size());
    CHECK(count == 5);
    CHECK(records.find("size=1099511627776\n") != std::string::npos);
    CHECK(records.find("mtime=5.000000007\n") != std::string::npos);
    CHECK(records.find("uid=3000000000\n") != std::string::npos);
    CHECK(records.find(std::string("SCHILY.xattr.user.a=\0\n\n", 23)) != std::string::npos);
}

TEST_CASE("times before 1970 are written as pax has them") {
    TarMember member;
    member.path = "old";
    member.mtime = {-1, 500'000'000};
    CHECK(tar_headers(member).find("mtime=-0.500000000\n") != std::string::npos);
    member.mtime = {-3, 0};
    CHECK(tar_headers(member).find("mtime=-3\n") != std::string::npos);
}

TEST_CASE("padding fills the last block") {
    CHECK(tar_padding(0) == 0);
    CHECK(tar_padding(1) == 511);
    CHECK(tar_padding(512) == 0);
    CHECK(tar_padding(513) == 511);
}
