// SPDX-License-Identifier: Apache-2.0
// kist-oci spec: an example config.json.
#include <fcntl.h>

#include "base/fields.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "runtime/bundle.hh"
#include "runtime/command.hh"

namespace kist::runtime::command {
namespace {

struct Spec {
    std::string bundle = ".";
};
constexpr auto options = cli::sorted(std::to_array<cli::Option<Spec>>({
    {{"b,bundle", "FOLDER", "Where to write it (default: the working directory)", cli::Completes::folder},
     &Spec::bundle},
}));

int write_spec(const Call& call) {
    Spec given;
    (void)parse_into(given, options, call);
    const Dir folder = Dir::open(absolute_path(given.bundle));
    const auto file = folder.exists("config.json") ? std::nullopt
                                                   : folder.open_file("config.json", O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (!file) throw Error("'{}/config.json' exists", given.bundle);
    write_full(*file, json::dump_pretty(to_value(example_spec())) + "\n", "config.json");
    return 0;
}

} // namespace

const Command spec{.name = "spec",
                   .summary = "Write an example config.json",
                   .usage = "",
                   .operands = cli::operands::none,
                   .options = cli::facts_of<options>,
                   .run = write_spec};

} // namespace kist::runtime::command
