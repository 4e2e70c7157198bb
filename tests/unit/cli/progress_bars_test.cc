// SPDX-License-Identifier: Apache-2.0
// What somebody who waits for a layer is shown.
#include "cli/progress_bars.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist;
using State = engine::LayerStatus::State;

TEST_CASE("a layer's line says what it waits for, and fits the terminal") {
    const auto line = [](State state, std::int64_t moved, std::size_t width) {
        return cli::progress_line({"4f4fb700ef54", state, moved, 10'000'000}, std::chrono::seconds(2), width);
    };
    CHECK(line(State::waiting, 0, 80) == "4f4fb700ef54: Waiting");
    CHECK(line(State::known, 0, 80) == "4f4fb700ef54: Already exists");
    CHECK(line(State::done, 10'000'000, 80) == "4f4fb700ef54: Pull complete");
    CHECK(line(State::fetching, 10'000'000, 80) == "4f4fb700ef54: Extracting");
    const std::string half = line(State::fetching, 5'000'000, 80);
    CHECK(half.size() <= 80);
    CHECK(half.find("5MB/10MB  2.5MB/s  3s") != std::string::npos);
    CHECK(half.find("=>") != std::string::npos);
    CHECK(line(State::fetching, 5'000'000, 30).size() <= 30);
}
