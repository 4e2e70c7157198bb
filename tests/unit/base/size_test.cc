// SPDX-License-Identifier: Apache-2.0
// Golden numbers: what docker prints and takes for the same values.
#include "base/size.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist;

TEST_CASE("sizes are read with binary units in any of docker's spellings") {
    CHECK(parse_bytes("0") == 0);
    CHECK(parse_bytes("512") == 512);
    CHECK(parse_bytes("512b") == 512);
    CHECK(parse_bytes("10kb") == 10240);
    CHECK(parse_bytes("64m") == 64 << 20);
    CHECK(parse_bytes("64 MiB") == 64 << 20);
    CHECK(parse_bytes("1GiB") == 1 << 30);
    CHECK(parse_bytes("1.5g") == 1610612736);
    CHECK(parse_bytes(".5k") == 512);
    CHECK(parse_bytes("0.3") == 0);
    CHECK(parse_bytes("1.1k") == 1126);
    CHECK(parse_bytes("2T") == std::int64_t{2} << 40);
    CHECK(parse_bytes("3p") == std::int64_t{3} << 50);
    CHECK(parse_bytes("9223372036854775807") == INT64_MAX);
}

TEST_CASE("what is no size is refused") {
    for (const char* bad : {"",
                            "k",
                            "m64",
                            "-1",
                            "+1",
                            " 1",
                            "1  k",
                            "1k ",
                            "1x",
                            "1kib3",
                            "1bb",
                            "1ki",
                            "1kbb",
                            "1.2.3",
                            ".",
                            "1e3",
                            "0x10",
                            "inf",
                            "9223372036854775808",
                            "8192p",
                            "1,5g"})
        CHECK_FALSE(parse_bytes(bad));
}

TEST_CASE("sizes are written in decimal units") {
    CHECK(human_size(0) == "0B");
    CHECK(human_size(1) == "1B");
    CHECK(human_size(999) == "999B");
    CHECK(human_size(1000) == "1kB");
    CHECK(human_size(1850) == "1.85kB");
    CHECK(human_size(4'403'211) == "4.403MB");
    CHECK(human_size(4'400'000) == "4.4MB");
    CHECK(human_size(769'000'000) == "769MB");
    CHECK(human_size(999'999) == "1000kB");
    CHECK(human_size(1e9) == "1GB");
    CHECK(human_size(3.42e12) == "3.42TB");
}

TEST_CASE("image lists use three digits and never an exponent") {
    CHECK(human_size(4'403'211, 3) == "4.4MB");
    CHECK(human_size(768'812'345, 3) == "769MB");
    CHECK(human_size(999'999, 3) == "1MB");
}

TEST_CASE("sizes are written in binary units") {
    CHECK(human_bytes_binary(0) == "0B");
    CHECK(human_bytes_binary(1024) == "1KiB");
    CHECK(human_bytes_binary(64 << 20) == "64MiB");
    CHECK(human_bytes_binary(1610612736) == "1.5GiB");
    CHECK(human_bytes_binary(1'000'000) == "976.6KiB");
}
