// SPDX-License-Identifier: Apache-2.0
// The container's network in the hands of its monitor. state.json always says what there is to remove.
#include "base/text.hh"
#include "monitor/supervisor.hh"
#include "netns/namespace.hh"
#include "oci/run/user_namespace.hh"
#include "storage/container_store.hh"

namespace kist::monitor {

namespace {

/// The container's user namespace, made before its network: who is root only there may mount the /sys of a network that
/// belongs to it, and of no other. Empty: the container has the host's users.
Fd make_users(const oci::Spec& spec) {
    for (const oci::Namespace& ns : spec.linux_.namespaces)
        if (ns.type == oci::NamespaceType::user)
            return ns.path.empty() ? oci::make_user_namespace(spec.linux_.uid_mappings, spec.linux_.gid_mappings)
                                   : netns::open_namespace(ns.path);
    return {};
}

void join_namespace(oci::Spec& spec, oci::NamespaceType type, const Fd& target) {
    for (oci::Namespace& ns : spec.linux_.namespaces)
        if (ns.type == type) ns.path = "/proc/self/fd/" + std::to_string(target.get());
}

} // namespace

/// The container's network exists before its first process, which joins it; it is ours, and so outlives that process. With
/// it lives the user namespace that it belongs to.
Fd Supervisor::make_network(const Job& job, oci::Spec& spec) {
    if (job.network.attachments.empty() && state_.network.attachments.empty()) return {};
    if (!network_.space()) {
        // At a restart by a monitor that took over in between: what the state says is not there any more, but is ours.
        const netns::ContainerPlan& plan = state_.network.attachments.empty() ? job.network : state_.network;
        network_ = netns::ContainerNetwork::start(plan, Dir::open(task_.run_root), task_.id, make_users(spec));
        state_.network = network_.plan();
        look_after_network();
    }
    join_namespace(spec, oci::NamespaceType::network, network_.space());
    Fd users = netns::owner_of_namespace(network_.space());
    join_namespace(spec, oci::NamespaceType::user, users);
    return users;
}

/// The container runs on with what it has if that cannot be done.
void Supervisor::adopt_network() {
    if (state_.network.attachments.empty()) return;
    try {
        network_ = netns::ContainerNetwork::adopt(state_.network, task_.id,
                                                  netns::open_namespace(fmt::format("/proc/{}/ns/net", state_.pid)));
        look_after_network();
    } catch (const Error& error) {
        state_.error = error.message();
    }
}

void Supervisor::look_after_network() {
    if (network_.plan().name_service && !names_)
        names_ = std::make_unique<netns::NameServer>(loop_, network_.plan(), task_.run_root, network_.space());
    if (network_.has_firewall() && !firewall_)
        firewall_ = std::make_unique<netns::FirewallWatch>(loop_, [this] { network_.mend(); });
}

/// Also what a failed adoption did not take over: the state tells.
void Supervisor::end_network() {
    if (state_.network == netns::ContainerPlan{}) return;
    try {
        const Dir run_root = Dir::open(task_.run_root);
        names_.reset(); // but not the watch: closing its socket may wait, and it finds nothing to mend any more
        if (network_.plan() == netns::ContainerPlan{}) netns::clear_network(state_.network, run_root, task_.id);
        else network_.end(run_root);
    } catch (const Error&) { // the run root is gone: so are the leases
    }
    state_.network = {};
}

void Supervisor::connect_network(std::string_view payload) {
    const netns::Attachment attachment = parse_attachment(payload);
    if (!network_.space()) throw Error("the container's network is not kist's own");
    // On record before it is made.
    state_.network.attachments.push_back(attachment);
    write_state();
    try {
        network_.connect(attachment, Dir::open(task_.run_root));
        if (names_) names_->use(network_.plan());
        look_after_network();
    } catch (const Error&) {
        state_.network = network_.plan();
        write_state();
        throw;
    }
}

void Supervisor::use_name_servers(std::string_view payload) {
    if (!network_.space()) throw Error("the container's network is not kist's own");
    network_.serve_names(payload.empty() ? std::vector<std::string>{} : split(payload, ' '));
    if (names_) names_->use(network_.plan());
    look_after_network();
    state_.network = network_.plan();
    write_state();
}

void Supervisor::disconnect_network(const std::string& name) {
    network_.disconnect(name, Dir::open(task_.run_root));
    if (names_) names_->use(network_.plan());
    state_.network = network_.plan();
    write_state();
}

} // namespace kist::monitor
