// SPDX-License-Identifier: Apache-2.0
// kist inspect, kist container inspect: everything about containers (images, volumes, networks), as Docker lays it out.
#include <algorithm>

#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/documents.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "cli/session.hh"
#include "engine/containers.hh"
#include "engine/image_use_cases.hh"
#include "engine/networks.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

struct Inspect {
    std::optional<std::string> format;
    bool latest = false, size = false;
    std::string type = "all";
};

constexpr auto container_options = std::to_array<Option<Inspect>>({
    {{"f,format", "FORMAT", "'json' or a template"}, &Inspect::format},
    {{"l,latest", "", "The container created last"}, &Inspect::latest},
    {{"s,size", "", "With the size of what the container has written"}, &Inspect::size},
});
constexpr auto options =
    concat(container_options,
           std::to_array<Option<Inspect>>({
               {{"t,type", "TYPE",
                 "What the names mean: container, image, volume, network or all (default all: in this order)",
                 Completes::words, "all|container|image|volume|network"},
                &Inspect::type},
           }));

bool add_container(Documents& documents, engine::Engine& engine, const std::string& name, bool size) {
    const auto id = engine.containers().find_if_exists(name);
    const auto view = id ? engine.containers().view(*id) : std::nullopt;
    if (!view) return false;
    documents.add(engine::inspect(engine, *view, size));
    return true;
}

bool add_image(Documents& documents, engine::Engine& engine, const std::string& name) {
    const auto image = engine.images().find(name);
    if (image) documents.add(engine::inspect_image(engine, *image));
    return image.has_value();
}

bool add_volume(Documents& documents, engine::Engine& engine, const std::string& name) {
    if (!engine.volumes().exists(name)) return false;
    documents.add(engine::inspect_volume(engine, engine::view_volume(engine, name)));
    return true;
}

bool add_network(Documents& documents, engine::Engine& engine, const std::string& name) {
    try {
        documents.add(engine::inspect_network(engine, engine::find_network(engine, name)));
        return true;
    } catch (const NotFound&) {
        return false;
    }
}

void add(Documents& documents, engine::Engine& engine, const std::string& name, const Inspect& o) {
    const auto may_be = [&](std::string_view type) { return o.type == "all" || o.type == type; };
    if (may_be("container") && add_container(documents, engine, name, o.size)) return;
    if (may_be("image") && add_image(documents, engine, name)) return;
    if (may_be("volume") && add_volume(documents, engine, name)) return;
    if (may_be("network") && add_network(documents, engine, name)) return;
    throw NotFound("No such {}: {}", o.type == "all" ? "object" : o.type, printable(name));
}

int inspect_all(Session& session, const Inspect& o, std::vector<std::string> names) {
    constexpr std::string_view types[] = {"all", "container", "image", "volume", "network"};
    if (std::find(std::begin(types), std::end(types), o.type) == std::end(types))
        throw UsageError("invalid value '{}' for --type: expected container, image, volume, network or all",
                         printable(o.type));
    if (o.latest && !names.empty())
        throw UsageError("--latest and a container exclude each other: '{}'", names.front());
    if (names.empty() && !o.latest) throw UsageError("'kist {}' needs at least 1 argument", session.command().name());
    Documents documents("inspect", o.format);
    engine::Engine& engine = session.engine();
    if (o.latest) names.push_back(select_one(session, {.latest = true}).str());
    const int code = for_each(names, [&](const std::string& name) { add(documents, engine, name, o); });
    documents.finish();
    return code;
}

int inspect_objects(Session& session) {
    Inspect o;
    std::vector<std::string> names = parse_into(o, options, session);
    return inspect_all(session, o, std::move(names));
}

int inspect_containers(Session& session) {
    Inspect o;
    std::vector<std::string> names = parse_into(o, container_options, session);
    o.type = "container";
    return inspect_all(session, o, std::move(names));
}

} // namespace

const Command inspect{.path = "inspect",
                      .shortcut = "",
                      .alias = "",
                      .summary = "Show everything about containers, images, volumes and networks",
                      .usage = "NAME [NAME...]",
                      .section = Section::container,
                      .completes = Completes::container,
                      .operands = operands::any,
                      .options = facts_of<options>,
                      .run = inspect_objects};

const Command container_inspect{.path = "container inspect",
                                .shortcut = "",
                                .alias = "",
                                .summary = "Show everything about containers",
                                .usage = "CONTAINER [CONTAINER...]",
                                .section = Section::container,
                                .completes = Completes::container,
                                .operands = operands::any,
                                .options = facts_of<container_options>,
                                .run = inspect_containers};

} // namespace kist::cli::command
