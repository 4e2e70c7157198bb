// SPDX-License-Identifier: Apache-2.0
// kist image tree: an image's layers.
#include "engine/image_tree.hh"

#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

struct Tree {
    bool what_requires = false;
};

constexpr auto options = std::to_array<Option<Tree>>({
    {{"whatrequires", "", "The image's top layer and all that were made on it, in place of its own layers"},
     &Tree::what_requires},
});

int show_tree(Session& session) {
    Tree o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    print(engine::image_tree(engine, engine.images().get(operands.front()), o.what_requires));
    return 0;
}

} // namespace

const Command image_tree{.path = "image tree",
                         .shortcut = "",
                         .alias = "",
                         .summary = "Show the layers of an image",
                         .usage = "IMAGE",
                         .section = Section::image,
                         .completes = Completes::image,
                         .operands = operands::exactly_one,
                         .options = facts_of<options>,
                         .run = show_tree};

} // namespace kist::cli::command
