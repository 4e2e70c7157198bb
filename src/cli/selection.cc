// SPDX-License-Identifier: Apache-2.0
// Names, --all, --latest, --filter and --cidfile become containers.
#include "cli/selection.hh"

#include "base/error.hh"
#include "base/file.hh"
#include "base/text.hh"
#include "cli/output.hh"
#include "engine/containers.hh"

namespace kist::cli {
namespace {

constexpr std::size_t largest_cidfile = 4096;

ContainerId latest(engine::Engine& engine) {
    const auto newest = engine::list(engine, {.all = true, .last = 1, .filters = {}});
    if (newest.empty()) throw NotFound("there is no container");
    return *ContainerId::parse(newest.front().config.id);
}

/// --filter alone means those of any state that fits; --all those that fit.
std::vector<Selected> matching(engine::Engine& engine, const Selection& selection,
                               const std::function<bool(storage::Status)>& fits) {
    const engine::ContainerFilter filter = engine::ContainerFilter::parse(engine, selection.filters);
    std::vector<Selected> result;
    for (const storage::ContainerView& view : engine.containers().all()) {
        const std::optional<ContainerId> id = ContainerId::parse(view.config.id);
        if (id && fits(view.state.status) && filter.matches(view)) result.push_back({*id, id->str()});
    }
    return result;
}

void check(const Session& session, const Selection& selection) {
    const bool by_pattern = selection.all || selection.latest || !selection.filters.empty();
    const bool by_name = !selection.names.empty() || !selection.cidfiles.empty();
    if (by_pattern && by_name)
        throw UsageError("containers are given by name or by --all, --latest and --filter, not both: '{}'",
                         selection.names.empty() ? selection.cidfiles.front() : selection.names.front());
    if (selection.all && selection.latest) throw UsageError("--all and --latest exclude each other");
    if (!by_pattern && !by_name) throw UsageError("'kist {}' needs at least 1 argument", session.command().name());
}

/// Adds what one name means to `to`; nothing for a missing one under --ignore.
void add_named(engine::Engine& engine, const Selection& selection, const std::string& name, std::vector<Selected>& to) {
    const std::optional<ContainerId> id = engine.containers().find_if_exists(name);
    if (id) to.push_back({*id, name});
    else if (!selection.ignore) to.push_back({engine.containers().find(name), name}); // throws with the right words
}

} // namespace

ContainerId select_one(Session& session, const Selection& selection) {
    if (selection.latest) {
        if (!selection.names.empty()) throw UsageError("--latest and a container's name exclude each other");
        return latest(session.engine());
    }
    if (selection.names.size() != 1) throw UsageError("'kist {}' needs exactly 1 argument", session.command().name());
    return session.engine().containers().find(selection.names.front());
}

int for_each_selected(Session& session, const Selection& selection, const std::function<bool(storage::Status)>& fits,
                      const std::function<void(engine::Engine&, const Selected&)>& act) {
    return for_each_selected(session, selection, fits, {}, act);
}

int for_each_selected(Session& session, const Selection& selection, const std::function<bool(storage::Status)>& fits,
                      const std::function<void(engine::Engine&, std::vector<Selected>&)>& before,
                      const std::function<void(engine::Engine&, const Selected&)>& act) {
    check(session, selection);
    engine::Engine& engine = session.engine();
    std::vector<std::string> names = selection.names;
    int code = for_each(selection.cidfiles, [&](const std::string& file) {
        const std::optional<std::string> text = read_file_if_exists(file, largest_cidfile);
        if (text) names.emplace_back(trim(*text));
        else if (!selection.ignore) throw NotFound("cannot read the ID from '{}': no such file", file);
    });
    const auto guarded = [&](const auto& work) {
        try {
            work();
        } catch (const Error& error) {
            print_error(error);
            code = static_cast<int>(ExitCode::failure);
        }
    };
    std::vector<Selected> selected;
    for (const std::string& name : names) {
        std::vector<Selected> found;
        guarded([&] { add_named(engine, selection, name, found); });
        if (!before) // at once: what is done to one may decide what the next name means
            for (const Selected& one : found) guarded([&] { act(engine, one); });
        else selected.insert(selected.end(), found.begin(), found.end());
    }
    if (selection.latest) {
        const ContainerId id = latest(engine);
        selected.push_back({id, id.str()});
    } else if (selection.all || !selection.filters.empty()) {
        const std::vector<Selected> found = matching(engine, selection, fits);
        selected.insert(selected.end(), found.begin(), found.end());
    }
    if (before) before(engine, selected);
    for (const Selected& one : selected) guarded([&] { act(engine, one); });
    return code;
}

} // namespace kist::cli
