// SPDX-License-Identifier: Apache-2.0
// linux.seccomp of config.json: the system call filter, before it is compiled. Data only.
// https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#seccomp
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hh"

namespace kist::oci {

struct SyscallArg {
    std::uint32_t index = 0;
    std::uint64_t value = 0;
    std::uint64_t value_two = 0;
    std::string op;
    bool operator==(const SyscallArg&) const = default;
    static constexpr void fields(auto&& field) {
        field("index", &SyscallArg::index, required);
        field("value", &SyscallArg::value, required);
        field("valueTwo", &SyscallArg::value_two);
        field("op", &SyscallArg::op, required);
    }
};

struct SyscallRule {
    std::vector<std::string> names;
    std::string action;
    std::optional<std::uint32_t> errno_ret;
    std::vector<SyscallArg> args;
    bool operator==(const SyscallRule&) const = default;
    static constexpr void fields(auto&& field) {
        field("names", &SyscallRule::names, required);
        field("action", &SyscallRule::action, required);
        field("errnoRet", &SyscallRule::errno_ret);
        field("args", &SyscallRule::args);
    }
};

/// A runtime profile: Docker's conditions (includes, excludes) are resolved before it gets here.
struct Seccomp {
    std::string default_action;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<std::string> architectures;
    std::vector<std::string> flags;
    /// A listening socket that gets the notifications of SCMP_ACT_NOTIFY, and what it is told with them.
    std::string listener_path{}, listener_metadata{};
    std::vector<SyscallRule> syscalls;
    bool operator==(const Seccomp&) const = default;
    static constexpr void fields(auto&& field) {
        field("defaultAction", &Seccomp::default_action, required);
        field("defaultErrnoRet", &Seccomp::default_errno_ret);
        field("architectures", &Seccomp::architectures);
        field("flags", &Seccomp::flags);
        field("listenerPath", &Seccomp::listener_path);
        field("listenerMetadata", &Seccomp::listener_metadata);
        field("syscalls", &Seccomp::syscalls);
    }
};

} // namespace kist::oci
