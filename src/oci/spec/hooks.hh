// SPDX-License-Identifier: Apache-2.0
// Programs that are run at points of a container's life.
// https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md#posix-platform-hooks
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hh"

namespace kist::oci {

struct Hook {
    std::string path = {}; ///< absolute
    std::vector<std::string> args = {}, env = {};
    std::optional<std::int64_t> timeout = {}; ///< seconds
    bool operator==(const Hook&) const = default;
    static constexpr void fields(auto&& field) {
        field("path", &Hook::path, required);
        field("args", &Hook::args);
        field("env", &Hook::env);
        field("timeout", &Hook::timeout);
    }
};

struct Hooks {
    std::vector<Hook> prestart, create_runtime, create_container, start_container, poststart, poststop;
    bool empty() const { return *this == Hooks{}; }
    bool operator==(const Hooks&) const = default;
    static constexpr void fields(auto&& field) {
        field("prestart", &Hooks::prestart);
        field("createRuntime", &Hooks::create_runtime);
        field("createContainer", &Hooks::create_container);
        field("startContainer", &Hooks::start_container);
        field("poststart", &Hooks::poststart);
        field("poststop", &Hooks::poststop);
    }
};

} // namespace kist::oci
