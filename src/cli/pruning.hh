// SPDX-License-Identifier: Apache-2.0
// What the prune commands share: --filter and --force, the question, and the list of what is gone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hh"

namespace kist::cli {

/// For commands without further options.
struct Pruning {
    std::vector<std::string> filters;
    bool force = false;
};

/// T has `filters` and `force`.
template <typename T>
constexpr auto pruning_options() {
    return std::to_array<Option<T>>({
        {{"filter", "KEY=VALUE", "Only what matches: label, label!, until (repeatable)"}, &T::filters},
        {{"f,force", "", "Do not ask"}, &T::force},
    });
}

/// Warns of what will be removed ("all stopped containers.") and asks; true for yes.
bool confirm_removal(const std::string& what);
/// Nothing when `names` is empty; a line each otherwise, and an empty one.
void print_removed(std::string_view heading, const std::vector<std::string>& names);
/// "Total reclaimed space: 1.2MB".
void print_reclaimed(std::uint64_t bytes, std::string_view heading = "Total reclaimed space: ");

} // namespace kist::cli
