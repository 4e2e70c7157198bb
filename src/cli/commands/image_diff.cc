// SPDX-License-Identifier: Apache-2.0
// kist image diff: what an image's top layer changed, or how two images differ.
#include "cli/change_list.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/changes.hh"

namespace kist::cli::command {
namespace {

struct Diff {
    std::string format;
};

constexpr auto options = std::to_array<Option<Diff>>({
    {{"format", "FORMAT", "'json' instead of lines", Completes::words, "json"}, &Diff::format},
});

int show_changes(Session& session) {
    Diff o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    check_change_format(o.format);
    print_changes(engine::diff_images(session.engine(), operands.front(), operands.size() > 1 ? operands[1] : ""),
                  o.format);
    return 0;
}

} // namespace

const Command image_diff{.path = "image diff",
                         .shortcut = "",
                         .alias = "",
                         .summary = "Show what an image's top layer changed, or how two images differ",
                         .usage = "IMAGE [IMAGE]",
                         .section = Section::image,
                         .completes = Completes::image,
                         .operands = operands::one_or_two,
                         .options = facts_of<options>,
                         .run = show_changes};

} // namespace kist::cli::command
