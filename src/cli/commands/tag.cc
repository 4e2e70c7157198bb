// SPDX-License-Identifier: Apache-2.0
// kist tag: further names for an image.
#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

int tag_image(Session& session) {
    const std::vector<std::string> operands = parse_operands(session);
    std::vector<storage::Reference> names;
    for (auto text = operands.begin() + 1; text != operands.end(); ++text) {
        names.push_back(storage::Reference::parse(*text));
        if (!names.back().digest.empty())
            throw UsageError("cannot tag as '{}': a name with a digest says what it is, it cannot be chosen", *text);
    }
    storage::ImageStore& images = session.engine().images();
    const Digest id = *Digest::parse(images.get(operands.front()).id);
    for (const storage::Reference& name : names) images.tag(id, name);
    return 0;
}

} // namespace

const Command tag{.path = "image tag",
                  .shortcut = "tag",
                  .alias = "",
                  .summary = "Give an image further names",
                  .usage = "IMAGE NAME [NAME...]",
                  .section = Section::image,
                  .completes = Completes::image,
                  .operands = operands::at_least_two,
                  .run = tag_image};

} // namespace kist::cli::command
