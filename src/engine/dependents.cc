// SPDX-License-Identifier: Apache-2.0
// Which containers lean on which: by --network, --pid, --ipc … container:NAME.
#include <algorithm>
#include <map>
#include <set>

#include "engine/containers.hh"
#include "engine/repair.hh"

namespace kist::engine {

namespace {

std::vector<std::string> lenders_of(const storage::ContainerConfig& config) {
    std::vector<std::string> ids;
    const auto& modes = config.namespaces;
    for (const std::string* mode : {&modes.network, &modes.pid, &modes.ipc, &modes.uts, &modes.cgroup})
        if (mode->starts_with("container:")) ids.push_back(mode->substr(10));
    return ids;
}

/// Visits every node after those that `next` names; each once, so that a circle (a record that was tampered with) ends.
class DepthFirst {
public:
    explicit DepthFirst(std::function<std::vector<std::string>(const std::string&)> next) : next_(std::move(next)) {}
    void visit(const std::string& id) {
        if (!seen_.insert(id).second) return;
        for (const std::string& other : next_(id)) visit(other);
        order_.push_back(id);
    }
    const std::vector<std::string>& order() const { return order_; }

private:
    std::function<std::vector<std::string>(const std::string&)> next_;
    std::set<std::string> seen_;
    std::vector<std::string> order_;
};

} // namespace

std::vector<ContainerId> dependents(Engine& engine, const ContainerId& id) {
    std::map<std::string, std::vector<std::string>> borrowers;
    for (const storage::ContainerView& view : engine.containers().all())
        for (const std::string& lender : lenders_of(view.config)) borrowers[lender].push_back(view.config.id);
    DepthFirst search([&](const std::string& lender) {
        const auto found = borrowers.find(lender);
        return found == borrowers.end() ? std::vector<std::string>{} : found->second;
    });
    search.visit(id.str());
    std::vector<ContainerId> result;
    for (const std::string& one : search.order())
        if (one != id.str()) result.push_back(*ContainerId::parse(one));
    return result;
}

std::vector<ContainerId> start_order(Engine& engine, const std::vector<ContainerId>& ids) {
    std::map<std::string, std::vector<std::string>> lenders;
    for (const ContainerId& id : ids)
        if (const auto view = engine.containers().view(id)) lenders[id.str()] = lenders_of(view->config);
    DepthFirst search([&](const std::string& id) {
        const auto found = lenders.find(id);
        return found == lenders.end() ? std::vector<std::string>{} : found->second;
    });
    for (const ContainerId& id : ids) search.visit(id.str());
    std::vector<ContainerId> result;
    for (const std::string& one : search.order())
        if (const auto id = ContainerId::parse(one); id && std::find(ids.begin(), ids.end(), *id) != ids.end())
            result.push_back(*id);
    return result;
}

void cleanup(Engine& engine, const ContainerId& id) {
    try {
        const auto view = settled_view(engine, id);
        if (view.state.status == storage::Status::removing) // by a command or monitor that was killed
            remove(engine, id, {.force = true, .volumes = false, .timeout = {}});
    } catch (const NotFound&) { // a --rm container whose removal was what was left to do
    }
}

} // namespace kist::engine
