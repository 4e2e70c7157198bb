// SPDX-License-Identifier: Apache-2.0
#include "cli/pruning.hh"

#include "base/size.hh"
#include "cli/output.hh"

namespace kist::cli {

bool confirm_removal(const std::string& what) {
    return confirm("WARNING! This will remove " + what + "\nAre you sure you want to continue?");
}

void print_removed(std::string_view heading, const std::vector<std::string>& names) {
    if (names.empty()) return;
    print_line(heading);
    for (const std::string& name : names) print_line(name);
    print_line("");
}

void print_reclaimed(std::uint64_t bytes, std::string_view heading) {
    print_line(std::string(heading) + human_size(static_cast<double>(bytes)));
}

} // namespace kist::cli
