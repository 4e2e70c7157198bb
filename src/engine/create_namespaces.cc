// SPDX-License-Identifier: Apache-2.0
// Namespaces that are private, the host's, or another container's, and the names that a container knows itself and others by.
#include <arpa/inet.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/text.hh"
#include "engine/create_parts.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;

struct ModeRules {
    std::string_view option; ///< "--pid"
    std::string_view kind;   ///< "PID namespace"
    std::vector<std::string> words;
};

void check_ns_path(const ModeRules& rules, const std::string& path) {
    struct statfs info {};
    if (!path.starts_with('/')) throw UsageError("{} ns:{}: the path is not absolute", rules.option, printable(path));
    if (statfs(path.c_str(), &info) != 0) throw SysError("{}: looking at namespace '{}'", rules.option, path);
    if (info.f_type != NSFS_MAGIC) throw Error("{}: '{}' is not a namespace", rules.option, path);
}

/// Returns the stored form: a word of the rules, "container:<full id>" or "ns:<path>".
std::string parse_mode(const CreateInput& in, const ModeRules& rules, const std::string& text,
                       const std::string& fallback) {
    if (text.empty()) return fallback;
    for (const std::string& word : rules.words)
        if (text == word) return text;
    if (text.starts_with("container:")) {
        std::string name = text.substr(10);
        if (name.empty()) throw UsageError("{} container: needs the name or ID of a container", rules.option);
        storage::ContainerView other = in.find_container(name);
        if (rules.option == "--ipc" && other.config.namespaces.ipc == "private")
            throw Error("cannot join the IPC namespace of container '{}': it is private", other.config.name)
                .with_hint("create that container with --ipc shareable");
        return "container:" + other.config.id;
    }
    if (text.starts_with("ns:")) {
        check_ns_path(rules, text.substr(3));
        return text;
    }
    throw UsageError("invalid {} mode '{}': it is {}, container:NAME|ID or ns:PATH", rules.option, printable(text),
                     join(rules.words, ", "));
}

void check_address(std::string_view option, const std::string& text) {
    unsigned char buffer[16];
    if (inet_pton(AF_INET, text.c_str(), buffer) != 1 && inet_pton(AF_INET6, text.c_str(), buffer) != 1)
        throw UsageError("{}: '{}' is not an IP address", option, printable(text));
}

bool is_hostname(std::string_view text) {
    if (text.empty() || text.size() > 63 || text.front() == '-' || text.front() == '.') return false;
    for (char c : text)
        if (!isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.' && c != '_') return false;
    return true;
}

void check_words(std::string_view option, const std::vector<std::string>& values) {
    for (const std::string& value : values)
        if (value.empty() || value.find_first_of(" \t\r\n") != value.npos)
            throw UsageError("{}: '{}' is not a single word", option, printable(value));
}

/// "name:ip", "name=ip"; an IPv6 address may stand in brackets. Stored as "name:ip".
std::string parse_extra_host(const std::string& text, const std::string& network) {
    auto separator = text.find_first_of(":=");
    std::string name = text.substr(0, separator), address = separator == text.npos ? "" : text.substr(separator + 1);
    if (name.empty() || address.empty()) throw UsageError("invalid --add-host '{}': it is NAME:IP", printable(text));
    if (name.find_first_of(" \t\r\n#") != name.npos)
        throw UsageError("invalid --add-host '{}': bad name", printable(text));
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    if (address == "host-gateway") {
        if (network == "bridge") return name + ":" + address; // known at the start
        if (network != "host")
            throw UsageError("--add-host {}: a container with network '{}' has no way to the host", printable(text),
                             network);
        address = "127.0.0.1";
    }
    check_address("--add-host", address);
    return name + ":" + address;
}

std::string own_hostname() {
    char buffer[256] = {};
    if (gethostname(buffer, sizeof buffer - 1) != 0) throw SysError("reading the host's name");
    return buffer;
}

void interpret_hostname(const CreateInput& in, ContainerConfig& config) {
    const std::string& asked = in.options.hostname;
    const std::string& uts = config.namespaces.uts;
    if (!asked.empty()) {
        if (uts != "private") throw UsageError("conflicting options: --hostname and --uts {}", uts);
        if (!is_hostname(asked)) throw UsageError("invalid hostname '{}'", printable(asked));
        config.hostname = asked;
    } else if (uts.starts_with("container:")) {
        config.hostname = in.find_container(uts.substr(10)).config.hostname;
    } else if (uts != "private" || config.namespaces.network == "host") {
        config.hostname = own_hostname();
    } else {
        config.hostname = config.id.substr(0, 12);
    }
    config.domainname = in.options.domainname;
    if (!config.domainname.empty() && (uts != "private" || config.domainname.size() > 64 ||
                                       config.domainname.find_first_of(" \t\r\n") != std::string::npos))
        throw UsageError("invalid --domainname '{}'", printable(config.domainname));
}

} // namespace

namespace {

/// A namespace of somebody's, or "bridge": networks by name, which create_networks.cc looks up.
std::string network_mode(const CreateInput& in, const ModeRules& rules) {
    const auto& wanted = in.options.networks;
    const auto is_mode = [&](const std::string& text) {
        return text == "none" || text == "host" || text.starts_with("container:") || text.starts_with("ns:");
    };
    for (const std::string& text : wanted) {
        if (text.starts_with("slirp4netns") || text.starts_with("pasta"))
            throw UsageError("--network {} is for containers without root: use a bridge network",
                             printable(text.substr(0, text.find(':'))));
        if (is_mode(text) && wanted.size() > 1)
            throw UsageError("--network {} excludes other networks", printable(text));
    }
    if (wanted.size() == 1 && is_mode(wanted.front())) return parse_mode(in, rules, wanted.front(), "none");
    return wanted.empty() && in.host.bridge == "none" ? "none" : "bridge";
}

} // namespace

void interpret_namespaces(const CreateInput& in, ContainerConfig& config) {
    auto& modes = config.namespaces;
    const auto& options = in.options;
    static const ModeRules network{"--network", "network", {"none", "host"}};
    static const ModeRules pid{"--pid", "PID namespace", {"private", "host"}};
    static const ModeRules ipc{"--ipc", "IPC namespace", {"private", "shareable", "none", "host"}};
    static const ModeRules uts{"--uts", "UTS namespace", {"private", "host"}};
    static const ModeRules cgroup{"--cgroupns", "cgroup namespace", {"private", "host"}};
    modes.network = network_mode(in, network);
    modes.pid = parse_mode(in, pid, options.pid, "private");
    modes.ipc = parse_mode(in, ipc, options.ipc, "private");
    modes.uts = parse_mode(in, uts, options.uts, "private");
    modes.cgroup = parse_mode(in, cgroup, options.cgroupns, "private");
}

void interpret_names(const CreateInput& in, ContainerConfig& config) {
    const auto& options = in.options;
    interpret_hostname(in, config);
    bool shares_files = config.namespaces.network.starts_with("container:");
    if (shares_files && !(options.dns.empty() && options.dns_search.empty() && options.dns_options.empty()))
        throw UsageError("conflicting options: --dns and --network container: (that container's settings are used)");
    if (shares_files && !options.add_hosts.empty())
        throw UsageError("conflicting options: --add-host and --network container: (that container's file is used)");
    config.dns = options.dns.empty() && !shares_files ? in.host.dns : options.dns;
    for (const std::string& server : config.dns) check_address("--dns", server);
    config.dns_search = options.dns_search.empty() && !shares_files ? in.host.dns_search : options.dns_search;
    check_words("--dns-search", config.dns_search);
    config.dns_options = options.dns_options.empty() && !shares_files ? in.host.dns_opts : options.dns_options;
    check_words("--dns-option", config.dns_options);
    for (const std::string& host : options.add_hosts)
        config.extra_hosts.push_back(parse_extra_host(host, config.namespaces.network));
}

} // namespace kist::engine
