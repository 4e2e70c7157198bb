// SPDX-License-Identifier: Apache-2.0
#include "engine/name_files.hh"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.hh"
#include "netns/name_server.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;

constexpr std::size_t host_file_limit = 1u << 20;

bool is_loopback(std::string_view address) { return address.starts_with("127.") || address == "::1"; }

/// A name server on the host's loopback is no name server for a network of its own.
std::string without_loopback(const std::string& text, bool& has_server) {
    std::string kept;
    has_server = false;
    for (const std::string& line : split(text, '\n')) {
        std::string_view words = trim(line);
        if (words.starts_with("nameserver")) {
            if (is_loopback(trim(words.substr(10)))) continue;
            has_server = true;
        }
        if (!line.empty()) kept += line + "\n";
    }
    return kept;
}

/// systemd-resolved shows its stub in /etc/resolv.conf and the real servers here.
std::string upstream_resolv(const std::string& host_resolv) {
    bool has_server = false;
    std::string text = without_loopback(host_resolv, has_server);
    if (has_server || host_resolv.find("127.0.0.53") == std::string::npos) return text;
    auto real = read_file_if_exists("/run/systemd/resolve/resolv.conf", host_file_limit);
    return real ? without_loopback(*real, has_server) : text;
}

std::string other_lines(const std::string& resolv, const ContainerConfig& config) {
    std::string kept;
    for (const std::string& line : split(resolv, '\n')) {
        std::string_view words = trim(line);
        bool replaced = words.empty() || words.starts_with('#') || words.starts_with(';') ||
                        (words.starts_with("nameserver") && !config.dns.empty()) ||
                        ((words.starts_with("search") || words.starts_with("domain")) && !config.dns_search.empty()) ||
                        (words.starts_with("options") && !config.dns_options.empty());
        if (!replaced) kept += line + "\n";
    }
    return kept;
}

void write_shared(const Dir& dir, const std::string& name, const std::string& text) {
    // Written in place: it is the container's file from now on, and nobody reads it before the start.
    auto fd = dir.open_file(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (!fd || fchmod(fd->get(), 0644) != 0) throw SysError("writing '{}/{}'", dir.path(), name);
    write_full(*fd, text, name);
}

/// The host as a container sees it: the gateway of its first network that has a way out.
std::string host_address(const netns::ContainerPlan& network) {
    for (const netns::Attachment& attachment : network.attachments) {
        if (attachment.network.driver != "bridge" || attachment.network.internal) continue;
        for (const netns::SubnetConfig& subnet : attachment.network.subnets)
            if (!subnet.gateway.empty()) return subnet.gateway;
    }
    return "";
}

std::string host_file(const char* path) { return read_file_if_exists(path, host_file_limit).value_or(""); }

} // namespace

std::string hosts_text(const ContainerConfig& config, const netns::ContainerPlan& network,
                       const std::string& host_hosts) {
    std::string text = config.namespaces.network == "host" ? host_hosts
                                                           : "127.0.0.1\tlocalhost\n"
                                                             "::1\tlocalhost ip6-localhost ip6-loopback\n"
                                                             "fe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\n"
                                                             "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";
    if (!text.empty() && text.back() != '\n') text += '\n';
    for (const std::string& entry : config.extra_hosts) {
        auto [name, address] = split_once(entry, ':');
        const bool host = address == "host-gateway";
        const std::string target = host ? host_address(network) : address.value_or("");
        if (target.empty()) throw Error("--add-host {}: the container has no network with a way to the host", entry);
        text += target + "\t" + name + "\n";
    }
    if (config.namespaces.network == "host") return text;
    if (const std::string host = host_address(network); !host.empty())
        text += host + "\thost.containers.internal host.docker.internal\n";
    std::string names =
        config.domainname.empty() ? config.hostname : config.hostname + "." + config.domainname + " " + config.hostname;
    if (config.name != config.hostname) names += " " + config.name;
    std::string own;
    for (const netns::Attachment& attachment : network.attachments)
        for (const std::string& address : attachment.addresses)
            own += address.substr(0, address.find('/')) + "\t" + names + "\n";
    return text + (own.empty() ? "127.0.0.1\t" + names + "\n" : own);
}

std::vector<std::string> host_name_servers() {
    std::vector<std::string> servers;
    for (const std::string& line : split(host_file("/etc/resolv.conf"), '\n')) {
        std::string_view words = trim(line);
        if (words.starts_with("nameserver")) servers.emplace_back(trim(words.substr(10)));
    }
    return servers;
}

std::string resolv_text(const ContainerConfig& config, const netns::ContainerPlan& network,
                        const std::string& host_resolv) {
    std::string base = config.namespaces.network == "host" ? host_resolv : upstream_resolv(host_resolv);
    ContainerConfig asked;
    asked.dns = network.name_service ? std::vector<std::string>{netns::name_server_address} : config.dns;
    asked.dns_search = config.dns_search;
    asked.dns_options = config.dns_options;
    if (asked.dns.empty() && asked.dns_search.empty() && asked.dns_options.empty()) return base;
    std::string text;
    bool no_search = asked.dns_search.size() == 1 && asked.dns_search.front() == ".";
    if (!asked.dns_search.empty() && !no_search) text += "search " + join(asked.dns_search, " ") + "\n";
    for (const std::string& server : asked.dns) text += "nameserver " + server + "\n";
    if (!asked.dns_options.empty()) text += "options " + join(asked.dns_options, " ") + "\n";
    return text + other_lines(base, asked);
}

void write_resolv_file(const ContainerConfig& config, const netns::ContainerPlan& network, const Dir& run_dir) {
    write_shared(run_dir, "resolv.conf", resolv_text(config, network, host_file("/etc/resolv.conf")));
}

void write_name_files(const ContainerConfig& config, const netns::ContainerPlan& network, const Dir& run_dir) {
    write_shared(run_dir, "hostname", config.hostname + "\n");
    if (config.namespaces.network.starts_with("container:")) return;
    write_shared(run_dir, "hosts",
                 hosts_text(config, network, config.namespaces.network == "host" ? host_file("/etc/hosts") : ""));
    write_resolv_file(config, network, run_dir);
}

} // namespace kist::engine
