// SPDX-License-Identifier: Apache-2.0
// kist untag: takes names away from an image; the image itself stays.
#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

int untag_image(Session& session) {
    std::vector<std::string> operands = parse_operands(session);
    storage::ImageStore& images = session.engine().images();
    const storage::ImageRecord image = images.get(operands.front());
    if (operands.size() == 1) {
        for (const storage::Reference& name : images.names_of(*Digest::parse(image.id))) images.untag(name);
        return 0;
    }
    operands.erase(operands.begin());
    return for_each(operands, [&](const std::string& name) {
        const std::optional<storage::ImageRecord> named = images.find(name);
        if (!named || named->id != image.id)
            throw NotFound("'{}' is no name of image {}", name, image.id.substr(0, 19));
        images.untag(storage::Reference::parse(name));
    });
}

} // namespace

const Command untag{.path = "image untag",
                    .shortcut = "untag",
                    .alias = "",
                    .summary = "Take names away from an image",
                    .usage = "IMAGE [NAME...]",
                    .section = Section::image,
                    .completes = Completes::image,
                    .operands = operands::at_least_one,
                    .run = untag_image};

} // namespace kist::cli::command
