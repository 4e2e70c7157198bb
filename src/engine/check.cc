// SPDX-License-Identifier: Apache-2.0
#include "engine/check.hh"

#include "engine/containers.hh"
#include "engine/repair.hh"

namespace kist::engine {

namespace {

Problem remove_hopeless(Engine& engine, const ContainerId& id) {
    Problem problem{"container", id.str(), "it, or a layer that it needs, is damaged", "removed", true, false};
    try {
        if (const auto view = engine.containers().view(id); view && !view->config.name.empty())
            problem.object = view->config.name;
        remove(engine, id, {.force = true, .volumes = false, .timeout = 0});
        problem.repaired = true;
    } catch (const Error& error) {
        problem.advice = std::string("could not be removed: ") + error.what();
    }
    return problem;
}

} // namespace

CheckReport check_system(Engine& engine, const CheckOptions& options) {
    storage::StoreCheck check(engine.store(), options);
    check.run();
    if (options.repair) sweep_all(engine); // --rm containers that ended without their monitor
    if (!options.force || check.hopeless().empty()) return {check.problems(), check.counts()};
    CheckReport report;
    for (const Problem& problem : check.problems())
        if (problem.repaired) report.problems.push_back(problem);
    for (const ContainerId& id : check.hopeless()) report.problems.push_back(remove_hopeless(engine, id));
    // What they kept can go now.
    storage::StoreCheck rest(engine.store(), options);
    rest.run();
    report.problems.insert(report.problems.end(), rest.problems().begin(), rest.problems().end());
    report.counts = rest.counts();
    return report;
}

} // namespace kist::engine
