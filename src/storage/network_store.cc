// SPDX-License-Identifier: Apache-2.0
#include "storage/network_store.hh"

#include <algorithm>

#include <fcntl.h>
#include <stdio.h>

#include "base/ids.hh"
#include "base/text.hh"
#include "storage/record.hh"

namespace kist::storage {

namespace {

constexpr const char* network_record = "network.json";

} // namespace

NetworkStore::NetworkStore(const Store& store) : store_(store) {
    if (auto dir = store.data().open_dir_if_exists("networks")) networks_ = std::move(*dir);
}

void NetworkStore::create(const NetworkConfig& config) const {
    const Dir networks = store_.data().create_dir("networks");
    const std::string temp = std::string(temp_prefix) + config.id.substr(0, 16);
    write_record(networks.create_dir(temp), network_record, config, Durability::durable);
    if (::renameat2(networks.fd().get(), temp.c_str(), networks.fd().get(), config.name.c_str(), RENAME_NOREPLACE) !=
        0) {
        const int code = errno;
        networks.remove_tree(temp);
        if (code == EEXIST)
            throw Error("network with name {} already exists", config.name).with_exit_code(ExitCode::failure);
        throw SysError(SysError::Code{code}, "making network '{}'", config.name);
    }
    networks.sync();
    // What a killed create left: a folder under a name that is never one of a network.
    for (const std::string& name : networks.names())
        if (name.starts_with(temp_prefix)) networks.remove_tree(name);
}

void NetworkStore::write(const NetworkConfig& config) const {
    write_record(networks_.open_dir(config.name), network_record, config, Durability::durable);
}

std::optional<NetworkConfig> NetworkStore::read(const std::string& name) const {
    if (!networks_ || !is_valid_name(name)) return std::nullopt;
    const auto dir = networks_.open_dir_if_exists(name);
    if (!dir) return std::nullopt;
    return read_record<NetworkConfig>(*dir, network_record);
}

std::optional<NetworkConfig> NetworkStore::find_if_exists(const std::string& reference) const {
    if (auto exact = read(reference)) return exact;
    if (!is_lower_hex(reference)) return std::nullopt;
    std::vector<std::string> damaged;
    std::optional<NetworkConfig> found;
    for (NetworkConfig& config : all(&damaged)) {
        if (!config.id.starts_with(reference)) continue;
        if (found)
            throw Error("network ID {} is ambiguous: it is the beginning of {} and {}", reference, found->name,
                        config.name);
        found = std::move(config);
    }
    return found;
}

NetworkConfig NetworkStore::find(const std::string& reference) const {
    auto found = find_if_exists(reference);
    if (!found) throw NotFound("network {} not found", printable(reference));
    return std::move(*found);
}

std::vector<NetworkConfig> NetworkStore::all(std::vector<std::string>* damaged) const {
    std::vector<NetworkConfig> list;
    if (!networks_) return list;
    for (const std::string& name : networks_.names()) {
        try {
            if (auto config = read(name)) list.push_back(std::move(*config));
        } catch (const Error& error) {
            if (damaged == nullptr) throw;
            damaged->push_back(error.message());
        }
    }
    std::sort(list.begin(), list.end(), [](const NetworkConfig& a, const NetworkConfig& b) { return a.name < b.name; });
    return list;
}

void NetworkStore::remove(const std::string& name) const {
    if (!networks_) return;
    networks_.check_name(name);
    // Out of the way in one step, so that nobody meets a half removed one.
    const std::string temp = std::string(temp_prefix) + random_hex(8);
    if (::renameat(networks_.fd().get(), name.c_str(), networks_.fd().get(), temp.c_str()) != 0) {
        if (errno == ENOENT) return;
        throw SysError("removing network '{}'", name);
    }
    networks_.remove_tree(temp);
    networks_.sync();
}

FileLock NetworkStore::lock(LockMode mode) const {
    return FileLock::acquire(store_.run().create_dir("networks"), "lock", mode);
}

} // namespace kist::storage
