// SPDX-License-Identifier: Apache-2.0
// kist pull: an image from its registry.
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

struct Pull : engine::PullOptions {
    std::string policy = "always";
    bool quiet = false;
};

constexpr auto own_options = std::to_array<Option<Pull>>({
    {{"policy", "POLICY", "When to fetch: always (default), missing, never or newer", Completes::words,
      "always|missing|never|newer"},
     &Pull::policy},
    {{"q,quiet", "", "Print only the image's ID"}, &Pull::quiet},
});
constexpr auto options = sorted(concat(registry_options<Pull>(), platform_options<Pull>(), own_options));

int pull_image(Session& session) {
    Pull o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    const engine::PullPolicy policy = engine::parse_pull_policy(o.policy);
    const storage::Reference name = storage::Reference::parse(operands.front());
    if (!o.quiet) o.progress = [](const std::string& line) { complain(line + "\n"); };
    print_line(engine::resolve_image(session.engine(), name.str(), policy, o).id);
    return 0;
}

} // namespace

const Command pull{.path = "image pull",
                   .shortcut = "pull",
                   .alias = "",
                   .summary = "Fetch an image from its registry",
                   .usage = "IMAGE",
                   .section = Section::image,
                   .operands = operands::exactly_one,
                   .options = facts_of<options>,
                   .run = pull_image};

} // namespace kist::cli::command
