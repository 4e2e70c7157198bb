// SPDX-License-Identifier: Apache-2.0
// Reading kist.json: every mistake is found here, before a container meets it, and named with its place.
#include "engine/host_config.hh"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/file.hh"
#include "base/json.hh"
#include "base/size.hh"
#include "base/text.hh"
#include "engine/cgroup_manager.hh"
#include "engine/log_options.hh"
#include "engine/storage_options.hh"
#include "netns/address.hh"

namespace kist::engine {

namespace {

constexpr std::size_t config_file_limit = 1u << 20;

struct NameCollector {
    std::vector<std::string>& names;
    void operator()(std::string_view name, auto) const { names.emplace_back(name); }
    void operator()(std::string_view name, auto, Required) const { names.emplace_back(name); }
};

template <typename T>
void check_keys_of(const Value& document, std::string_view where) {
    if (!document.is_object()) throw Error("{}: expected an object", where);
    std::vector<std::string> known;
    T::fields(NameCollector{known});
    for (const auto& [key, value] : document.as_object()) {
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        auto near = nearest(key, known);
        Error error("{}: unknown key '{}'", where, printable(key));
        if (!near.empty()) error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    }
}

void check_keys(const Value& document, std::string_view where) {
    check_keys_of<HostConfig>(document, where);
    const Value* registries = document.find("registries");
    if (registries == nullptr || !registries->is_object()) return;
    for (const auto& [host, settings] : registries->as_object())
        check_keys_of<RegistryConfig>(settings, fmt::format("{}: registries.{}", where, printable(host)));
}

void check_absolute(std::string_view where, std::string_view key, const std::string& path) {
    if (!path.starts_with('/')) throw Error("{}: {}: '{}' is not an absolute path", where, key, printable(path));
}

void check_one_of(std::string_view where, std::string_view key, const std::string& value,
                  const std::vector<std::string>& choices) {
    if (std::find(choices.begin(), choices.end(), value) == choices.end())
        throw Error("{}: {}: '{}' is not {}", where, key, printable(value), quoted_choice(choices));
}

void check_exec_opts(const std::vector<std::string>& exec_opts) {
    static const std::vector<std::string> known = {"native.umask", "native.cgroupdriver"};
    for (const std::string& option : exec_opts) {
        auto [key, value] = split_once(option, '=');
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            UsageError error("unknown exec option '{}'", printable(option));
            if (auto near = nearest(key, known); !near.empty())
                error.with_hint("did you mean " + quoted_choice(near) + "?");
            throw error;
        }
        if (key == "native.umask" && value != "normal" && value != "secure")
            throw UsageError("exec option '{}': native.umask is normal or secure", printable(option));
        if (key == "native.cgroupdriver" && value != "cgroupfs" && value != "systemd")
            throw UsageError("exec option '{}': native.cgroupdriver is cgroupfs or systemd", printable(option));
    }
}

void check_networks(const HostConfig& config, std::string_view where) {
    const auto bip = netns::InterfaceAddress::parse(config.bip);
    if (!config.bip.empty() && (!bip || bip->address.is_v6() || bip->address == bip->subnet().base()))
        throw Error("{}: bip: '{}' is not an address with its prefix, as 10.20.0.1/16", where, printable(config.bip));
    if (!config.bip.empty() && !config.bridge.empty()) throw Error("{}: bridge and bip exclude each other", where);
    if (!config.fixed_cidr.empty() && !netns::Subnet::parse(config.fixed_cidr))
        throw Error("{}: fixed-cidr: '{}' is not a subnet, as 10.20.4.0/24", where, printable(config.fixed_cidr));
    if (!config.ip.empty() && !netns::Address::parse(config.ip))
        throw Error("{}: ip: '{}' is not an address", where, printable(config.ip));
    if (config.mtu != 0 && (config.mtu < 68 || config.mtu > 65535))
        throw Error("{}: mtu: {} is not 68 to 65535", where, config.mtu);
    for (const AddressPool& pool : config.default_address_pools) {
        const auto base = netns::Subnet::parse(pool.base);
        if (!base || pool.size < base->prefix() || pool.size + 2 > base->base().bits())
            throw Error("{}: default-address-pools: '{}' in networks of /{} is no pool", where, printable(pool.base),
                        pool.size);
    }
}

void check_values(const HostConfig& config, std::string_view where) {
    check_absolute(where, "data-root", config.data_root);
    check_absolute(where, "exec-root", config.exec_root);
    if (!is_slice(config.cgroup_parent)) check_absolute(where, "cgroup-parent", config.cgroup_parent);
    if (!config.hook_spec.empty()) check_absolute(where, "hook-spec", config.hook_spec);
    if (!config.init_path.empty()) check_absolute(where, "init-path", config.init_path);
    if (!config.seccomp_profile.empty() && config.seccomp_profile != "default" &&
        config.seccomp_profile != "unconfined")
        check_absolute(where, "seccomp-profile", config.seccomp_profile);
    check_one_of(where, "log-level", config.log_level, {"error", "warn", "info", "debug"});
    check_one_of(where, "cp-owner", config.cp_owner, {"container", "source", "root"});
    check_one_of(where, "log-driver", config.log_driver, log_drivers());
    check_networks(config, where);
    if (!config.storage_driver.empty())
        check_one_of(where, "storage-driver", config.storage_driver, {"overlay", "overlay2", "vfs"});
    try {
        parse_storage_options(config.storage_opts, config.storage_driver);
    } catch (Error& e) {
        e.while_doing("{}: storage-opts", where);
        throw;
    }
    auto shm = parse_bytes(config.default_shm_size);
    if (!shm || *shm <= 0)
        throw Error("{}: default-shm-size: '{}' is not a size", where, printable(config.default_shm_size));
    for (const auto& [name, limit] : config.default_ulimits)
        if (limit.soft > limit.hard && limit.hard >= 0)
            throw Error("{}: default-ulimits.{}: the soft limit is above the hard one", where, printable(name));
    for (const std::int64_t number : {config.max_concurrent_downloads, config.max_concurrent_uploads})
        if (number < 1 || number > 16)
            throw Error("{}: max-concurrent-downloads and max-concurrent-uploads are 1 to 16", where);
    if (config.registry_timeout < 1 || config.registry_timeout > 3600)
        throw Error("{}: registry-timeout: it is 1 to 3600 seconds", where);
    try {
        check_exec_opts(config.exec_opts);
    } catch (Error& e) {
        e.while_doing("{}: exec-opts", where);
        throw;
    }
}

/// Options that say the same thing as a key of the file: both at once is a contradiction waiting to happen.
void merge(HostConfig& config, const GlobalOptions& options, std::string_view where) {
    if (!options.root.empty()) config.data_root = options.root;
    if (!options.runroot.empty()) config.exec_root = options.runroot;
    if (!options.log_level.empty()) config.log_level = options.log_level;
    if (!options.storage_driver.empty()) {
        if (!config.storage_driver.empty() && config.storage_driver != options.storage_driver)
            throw UsageError("--storage-driver {} contradicts storage-driver '{}' of {}", options.storage_driver,
                             config.storage_driver, where);
        config.storage_driver = options.storage_driver;
    }
    if (!options.storage_opts.empty()) {
        if (!config.storage_opts.empty())
            throw UsageError("--storage-opt is also set by storage-opts of {}: use one of them", where);
        config.storage_opts = options.storage_opts;
    }
    if (!options.hook_spec.empty()) {
        if (!config.hook_spec.empty())
            throw UsageError("--hook-spec is also set by hook-spec of {}: use one of them", where);
        check_absolute("command line", "--hook-spec", options.hook_spec);
        config.hook_spec = options.hook_spec;
    }
    if (!options.cgroup_manager.empty()) {
        for (const std::string& option : config.exec_opts)
            if (option.starts_with("native.cgroupdriver="))
                throw UsageError("--cgroup-manager is also set by exec-opts of {}: use one of them", where);
        if (options.cgroup_manager != "cgroupfs" && options.cgroup_manager != "systemd")
            throw UsageError("unknown cgroup manager '{}': it is cgroupfs or systemd",
                             printable(options.cgroup_manager));
        config.exec_opts.push_back("native.cgroupdriver=" + options.cgroup_manager);
    }
}

} // namespace

std::optional<std::uint32_t> umask_of(const std::vector<std::string>& exec_opts) {
    check_exec_opts(exec_opts);
    std::optional<std::uint32_t> umask;
    for (const std::string& option : exec_opts) {
        if (option == "native.umask=normal") umask = 0022;
        if (option == "native.umask=secure") umask = 0027;
    }
    return umask;
}

HostConfig parse_host_config(std::string_view text, std::string_view where) {
    Value document = json::parse(text, where);
    check_keys(document, where);
    auto config = from_value<HostConfig>(document, where);
    check_values(config, where);
    return config;
}

std::optional<Value> read_host_documents(const GlobalOptions& options) {
    const std::string path(options.config.empty() ? default_host_config : options.config);
    std::optional<Value> all;
    auto text =
        options.config.empty() ? read_file_if_exists(path, config_file_limit) : read_file(path, config_file_limit);
    if (text) {
        parse_host_config(*text, path);
        all = json::parse(*text, path);
    }
    const auto folder = Dir::open_if_exists(path + ".d");
    if (!folder) return all;
    std::vector<std::string> names = folder->names();
    std::erase_if(names, [](const std::string& name) { return name.starts_with('.') || !name.ends_with(".json"); });
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
        const std::string place = folder->path_of(name);
        text = read_file_if_exists(*folder, name, config_file_limit);
        if (!text) continue;
        parse_host_config(*text, place);
        if (!all) all = Value::object();
        const Value document = json::parse(*text, place);
        for (const auto& [key, value] : document.as_object()) all->set(key, value);
    }
    return all;
}

namespace {

/// What neither the command line nor kist.json says: of the environment, then of a file as distributions have it (SEEDS A223).
void take_storage_defaults(HostConfig& config, const GlobalOptions& options) {
    const char* driver = std::getenv("KIST_STORAGE_DRIVER");
    if (config.storage_driver.empty() && driver != nullptr) config.storage_driver = driver;
    if (!config.storage_driver.empty())
        check_one_of("KIST_STORAGE_DRIVER", "storage-driver", config.storage_driver, {"overlay", "overlay2", "vfs"});
    if (!options.config.empty()) return; // another host's configuration, as it were
    const auto text = read_file_if_exists(storage_arguments_file, config_file_limit);
    if (!text) return;
    const StorageArguments arguments = parse_storage_arguments(*text, storage_arguments_file);
    if (config.storage_driver.empty()) config.storage_driver = arguments.driver;
    if (config.storage_opts.empty()) config.storage_opts = arguments.options;
}

} // namespace

HostConfig load_host_config(const GlobalOptions& options) {
    HostConfig config;
    const std::string path(options.config.empty() ? default_host_config : options.config);
    if (const auto document = read_host_documents(options)) {
        config = from_value<HostConfig>(*document, path);
        check_values(config, path); // each file may be right and both together wrong
    }
    merge(config, options, path);
    take_storage_defaults(config, options);
    check_absolute("command line", "--root", config.data_root);
    check_absolute("command line", "--runroot", config.exec_root);
    if (config.storage_driver == "overlay2") config.storage_driver = "overlay";
    if (!config.storage_driver.empty())
        check_one_of("command line", "--storage-driver", config.storage_driver, {"overlay", "vfs"});
    parse_storage_options(config.storage_opts, config.storage_driver);
    if (config.debug) config.log_level = "debug";
    check_one_of("command line", "--log-level", config.log_level, {"error", "warn", "info", "debug"});
    return config;
}

} // namespace kist::engine
