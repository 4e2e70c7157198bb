// SPDX-License-Identifier: Apache-2.0
// kist pull: an image from its registry.
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/progress_bars.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"
#include "engine/tags.hh"

namespace kist::cli::command {
namespace {

struct Pull : engine::PullOptions {
    std::string policy = "always";
    bool all_tags = false, quiet = false;
};

constexpr auto own_options = std::to_array<Option<Pull>>({
    {{"a,all-tags", "", "Fetch all tags of the repository"}, &Pull::all_tags},
    {{"policy", "POLICY", "When to fetch: always (default), missing, never or newer", Completes::words,
      "always|missing|never|newer"},
     &Pull::policy},
    {{"q,quiet", "", "Print only the image's ID"}, &Pull::quiet},
});
constexpr auto options =
    sorted(concat(registry_options<Pull>(), creds_option<Pull>(), platform_options<Pull>(), own_options));

std::vector<std::string> all_tags_of(engine::Engine& engine, const std::string& operand, const Pull& o) {
    storage::Reference name = storage::Reference::parse(operand);
    if (!name.digest.empty() || operand.ends_with(":" + name.tag))
        throw UsageError("--all-tags goes with a name without a tag");
    std::vector<std::string> names;
    for (const std::string& tag : engine::list_tags(engine, name, o)) {
        name.tag = tag;
        names.push_back(name.str());
    }
    return names;
}

int pull_image(Session& session) {
    Pull o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    complete_creds(o);
    const engine::PullPolicy policy = engine::parse_pull_policy(o.policy);
    if (!o.quiet) show_progress(o);
    engine::Engine& engine = session.engine();
    for (const std::string& operand : operands)
        for (const std::string& name : o.all_tags ? all_tags_of(engine, operand, o) : std::vector{operand})
            print_line(engine::resolve_image(engine, name, policy, o).id);
    return 0;
}

} // namespace

const Command pull{.path = "image pull",
                   .shortcut = "pull",
                   .alias = "",
                   .summary = "Fetch images from their registries",
                   .usage = "IMAGE [IMAGE...]",
                   .section = Section::image,
                   .operands = operands::at_least_one,
                   .options = facts_of<options>,
                   .run = pull_image};

} // namespace kist::cli::command
