// SPDX-License-Identifier: Apache-2.0
// kist image mount: a host command that sees an image's files.
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/mount_view.hh"

namespace kist::cli::command {
namespace {

int run_mounted(Session& session) {
    std::vector<std::string> operands = parse_operands(session);
    engine::Engine& engine = session.engine();
    const storage::ImageRecord image = engine.images().get(operands.front());
    operands.erase(operands.begin());
    return engine::run_with_image(engine, image, operands);
}

} // namespace

const Command image_mount{.path = "image mount",
                          .shortcut = "",
                          .alias = "",
                          .summary = "Run a command of the host that sees an image's files",
                          .usage = "IMAGE [COMMAND [ARG...]]",
                          .section = Section::image,
                          .completes = Completes::image,
                          .operands = operands::command,
                          .run = run_mounted};

} // namespace kist::cli::command
