// SPDX-License-Identifier: Apache-2.0
#include "engine/hook_spec.hh"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <sys/stat.h>

#include "base/file.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "oci/run/hooks.hh"

namespace kist::engine {

namespace {

using oci::Hook;
using oci::Hooks;

constexpr std::size_t hook_file_limit = 1u << 20;

struct Kind {
    std::string_view name;
    std::vector<Hook> Hooks::*list;
};
constexpr auto kinds = std::to_array<Kind>({
    {"prestart", &Hooks::prestart},
    {"createRuntime", &Hooks::create_runtime},
    {"createContainer", &Hooks::create_container},
    {"startContainer", &Hooks::start_container},
    {"poststart", &Hooks::poststart},
    {"poststop", &Hooks::poststop},
});

/// One hook's members, each error with the hook's place.
class HookReader {
public:
    HookReader(const Value& value, std::string place, const std::string& where, const Warn& warn)
        : value_(value), place_(std::move(place)), where_(where), warn_(warn) {
        if (!value.is_object()) fail("expected an object");
    }

    Hook read() const {
        Hook hook;
        const Value& path = member("path");
        if (!path.is_string()) fail("\"path\": expected a string");
        hook.path = path.as_string();
        if (!hook.path.starts_with('/')) fail(fmt::format("\"path\": '{}' is not absolute", printable(hook.path)));
        hook.args = strings("args");
        hook.env = strings("env");
        for (const std::string& text : hook.env)
            if (text.find('=') == std::string::npos)
                fail(fmt::format("\"env\": '{}' is no NAME=VALUE", printable(text)));
        if (const Value* timeout = value_.find("timeout"); timeout != nullptr && !timeout->is_null())
            hook.timeout = seconds(*timeout);
        for (const auto& [name, unused] : value_.as_object())
            if (name != "path" && name != "args" && name != "env" && name != "timeout")
                warn_(fmt::format("{}: hook {}: unknown key '{}'", where_, place_, printable(name)));
        return hook;
    }

private:
    [[noreturn]] void fail(const std::string& what) const { throw Error("{}: hook {}: {}", where_, place_, what); }

    const Value& member(std::string_view name) const {
        const Value* found = value_.find(name);
        if (found == nullptr || found->is_null()) fail(fmt::format("\"{}\" is required", name));
        return *found;
    }

    std::vector<std::string> strings(std::string_view name) const {
        const Value& list = member(name);
        std::vector<std::string> result;
        if (!list.is_list()) fail(fmt::format("\"{}\": expected a list of strings", name));
        for (const Value& item : list.as_list()) {
            if (!item.is_string() || item.as_string().find('\0') != std::string::npos)
                fail(fmt::format("\"{}\": expected a list of strings", name));
            result.push_back(item.as_string());
        }
        return result;
    }

    std::int64_t seconds(const Value& value) const {
        if (!value.is_signed() || value.as_signed() <= 0)
            fail("\"timeout\": expected a whole number of seconds from 1 on");
        if (value.as_signed() > longest_hook)
            warn_(fmt::format("{}: hook {}: no hook may take longer than {} s; the timeout of {} s is cut", where_,
                              place_, longest_hook, value.as_signed()));
        return std::min<std::int64_t>(value.as_signed(), longest_hook);
    }

    const Value& value_;
    const std::string place_;
    const std::string& where_;
    const Warn& warn_;
};

/// Whoever may write it may run programs as root.
void check_owner(const std::string& path, const Warn& warn) {
    struct stat facts {};
    constexpr mode_t writable_by_others = 0022;
    if (::stat(path.c_str(), &facts) != 0) throw SysError("hook-spec '{}'", path);
    if (facts.st_uid != 0) warn(fmt::format("hook-spec '{}' does not belong to root", path));
    if ((facts.st_mode & writable_by_others) != 0)
        warn(fmt::format("hook-spec '{}' can be written by others than root", path));
}

} // namespace

Hooks parse_hook_spec(std::string_view text, const std::string& where, const Warn& warn) {
    const Value document = json::parse(text, where);
    if (!document.is_object()) throw Error("{}: expected an object", where);
    Hooks hooks;
    for (const auto& [name, list] : document.as_object()) {
        const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                       [&, &name = name](const Kind& known) { return known.name == name; });
        if (kind == kinds.end()) {
            warn(fmt::format("{}: unknown key '{}'", where, printable(name)));
            continue;
        }
        if (list.is_null()) continue;
        if (!list.is_list()) throw Error("{}: {}: expected a list of hooks", where, name);
        for (std::size_t i = 0; i < list.as_list().size(); ++i)
            (hooks.*kind->list)
                .push_back(HookReader(list.as_list()[i], fmt::format("{}[{}]", name, i), where, warn).read());
    }
    return hooks;
}

Hooks load_hook_spec(const std::string& path, const std::string& folder, const Warn& warn) {
    if (!path.starts_with('/')) throw UsageError("hook-spec path must be absolute: '{}'", printable(path));
    check_owner(path, warn);
    const Hooks hooks = parse_hook_spec(read_file(path, hook_file_limit), path, warn);
    for (const Kind& kind : kinds) {
        if (kind.name == "startContainer") continue;
        const auto& list = hooks.*kind.list;
        for (std::size_t i = 0; i < list.size(); ++i)
            oci::check_hook(fmt::format("{}[{}]", kind.name, i), list[i], folder);
    }
    return hooks;
}

Hooks join_hooks(const Hooks& host, const Hooks& own) {
    Hooks all = host;
    for (const Kind& kind : kinds)
        (all.*kind.list).insert((all.*kind.list).end(), (own.*kind.list).begin(), (own.*kind.list).end());
    return all;
}

std::string hooks_folder(const std::string& data_root) { return data_root + "/hooks"; }

void check_not_in_hook(const std::string& id) {
    const char* hook_of = std::getenv("KIST_IN_HOOK");
    if (hook_of != nullptr && id == hook_of)
        throw Error("called from a hook of container {}, which would wait for itself", id.substr(0, 12));
}

} // namespace kist::engine
