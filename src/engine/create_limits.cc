// SPDX-License-Identifier: Apache-2.0
// --ulimit, --sysctl and the log options.
#include <algorithm>
#include <array>

#include <sys/resource.h>

#include "base/size.hh"
#include "base/text.hh"
#include "engine/create_parts.hh"
#include "engine/log_options.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;

const std::vector<std::string> ulimit_names = {"core",    "cpu",      "data",   "fsize",      "locks",
                                               "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                               "rss",     "rtprio",   "rttime", "sigpending", "stack"};

std::string rlimit_type(const std::string& name) {
    std::string plain = to_lower(name);
    if (plain.starts_with("rlimit_")) plain.erase(0, 7);
    if (std::find(ulimit_names.begin(), ulimit_names.end(), plain) == ulimit_names.end()) {
        UsageError error("invalid ulimit type: {}", printable(name));
        if (auto near = nearest(plain, ulimit_names); !near.empty())
            error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    }
    return "RLIMIT_" + to_upper(plain);
}

std::uint64_t parse_limit(const std::string& text, const std::string& whole) {
    if (text == "-1" || text == "unlimited") return RLIM_INFINITY;
    auto value = parse_unsigned(text, INT64_MAX);
    if (!value) throw UsageError("invalid ulimit '{}': '{}' is not a number", printable(whole), printable(text));
    return *value;
}

oci::Rlimit parse_ulimit(const std::string& text) {
    auto [name, value] = split_once(text, '=');
    if (!value || value->empty())
        throw UsageError("invalid ulimit argument: {}: it is NAME=SOFT[:HARD]", printable(text));
    auto [soft, hard] = split_once(*value, ':');
    oci::Rlimit limit;
    limit.type = rlimit_type(name);
    limit.soft = parse_limit(soft, text);
    limit.hard = hard ? parse_limit(*hard, text) : limit.soft;
    if (limit.soft > limit.hard)
        throw UsageError("ulimit soft limit must be less than or equal to hard limit: {} > {}", soft,
                         hard.value_or(soft));
    return limit;
}

void interpret_ulimits(const CreateInput& in, ContainerConfig& config) {
    auto set = [&](oci::Rlimit limit) {
        std::erase_if(config.ulimits, [&](const oci::Rlimit& other) { return other.type == limit.type; });
        config.ulimits.push_back(std::move(limit));
    };
    for (const auto& [name, limit] : in.host.default_ulimits) {
        auto value = [](std::int64_t n) { return n < 0 ? RLIM_INFINITY : static_cast<std::uint64_t>(n); };
        set({rlimit_type(name), value(limit.hard), value(limit.soft)});
    }
    for (const std::string& text : in.options.ulimits) set(parse_ulimit(text));
}

/// Only what lives in a namespace of the container's own (SECURITY section 2): the rest would change the host.
void check_sysctl(const std::string& key, const ContainerConfig& config) {
    static constexpr auto of_ipc =
        std::to_array<std::string_view>({"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
                                         "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"});
    const auto& modes = config.namespaces;
    bool is_ipc = std::find(of_ipc.begin(), of_ipc.end(), key) != of_ipc.end() || key.starts_with("fs.mqueue.");
    auto need_own = [&](std::string_view what, bool own, const std::string& mode) {
        if (!own) throw UsageError("sysctl '{}' is not allowed with {} mode '{}'", key, what, mode);
    };
    if (is_ipc)
        return need_own("--ipc", modes.ipc == "private" || modes.ipc == "shareable" || modes.ipc == "none", modes.ipc);
    if (key.starts_with("net."))
        return need_own("--network", modes.network == "none" || modes.network == "bridge", modes.network);
    if (key == "kernel.domainname") return need_own("--uts", modes.uts == "private", modes.uts);
    if (key == "kernel.hostname") throw UsageError("sysctl 'kernel.hostname' is not allowed: use --hostname");
    throw UsageError("sysctl '{}' is not allowed: it is not of a namespace of the container", printable(key));
}

void interpret_sysctls(const CreateInput& in, ContainerConfig& config) {
    for (const std::string& text : in.options.sysctls) {
        auto [key, value] = split_once(text, '=');
        std::replace(key.begin(), key.end(), '/', '.');
        bool plain =
            key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == key.npos;
        if (key.empty() || !value || !plain || key.find("..") != key.npos ||
            value->find_first_of(std::string_view("\n\0", 2)) != value->npos)
            throw UsageError("invalid sysctl '{}': it is NAME=VALUE", printable(text));
        check_sysctl(key, config);
        config.sysctls[key] = *value;
    }
}

} // namespace

void interpret_limits(const CreateInput& in, ContainerConfig& config) {
    interpret_ulimits(in, config);
    interpret_sysctls(in, config);
    interpret_log(in, config);
}

} // namespace kist::engine
