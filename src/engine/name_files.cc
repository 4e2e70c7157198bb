// SPDX-License-Identifier: Apache-2.0
#include "engine/name_files.hh"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.hh"

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

std::string host_file(const char* path) { return read_file_if_exists(path, host_file_limit).value_or(""); }

} // namespace

std::string hosts_text(const ContainerConfig& config, const std::string& host_hosts) {
    std::string text = config.namespaces.network == "host"
                           ? host_hosts
                           : "127.0.0.1\tlocalhost\n"
                             "::1\tlocalhost ip6-localhost ip6-loopback\n"
                             "fe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\n"
                             "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";
    if (!text.empty() && text.back() != '\n') text += '\n';
    for (const std::string& entry : config.extra_hosts) {
        auto [name, address] = split_once(entry, ':');
        text += address.value_or("") + "\t" + name + "\n";
    }
    if (config.namespaces.network == "host") return text;
    std::string names = config.domainname.empty() ? config.hostname
                                                  : config.hostname + "." + config.domainname + " " + config.hostname;
    return text + "127.0.0.1\t" + names + "\n";
}

std::string resolv_text(const ContainerConfig& config, const std::string& host_resolv) {
    std::string base = config.namespaces.network == "host" ? host_resolv : upstream_resolv(host_resolv);
    if (config.dns.empty() && config.dns_search.empty() && config.dns_options.empty()) return base;
    std::string text;
    bool no_search = config.dns_search.size() == 1 && config.dns_search.front() == ".";
    if (!config.dns_search.empty() && !no_search) text += "search " + join(config.dns_search, " ") + "\n";
    for (const std::string& server : config.dns) text += "nameserver " + server + "\n";
    if (!config.dns_options.empty()) text += "options " + join(config.dns_options, " ") + "\n";
    return text + other_lines(base, config);
}

void write_name_files(const ContainerConfig& config, const Dir& run_dir) {
    write_shared(run_dir, "hostname", config.hostname + "\n");
    if (config.namespaces.network.starts_with("container:")) return;
    write_shared(run_dir, "hosts", hosts_text(config, config.namespaces.network == "host" ? host_file("/etc/hosts") : ""));
    write_shared(run_dir, "resolv.conf", resolv_text(config, host_file("/etc/resolv.conf")));
}

} // namespace kist::engine
