// SPDX-License-Identifier: Apache-2.0
// Capability names, the sets of a container, and dropping to them; see capabilities.hh.
#include "oci/run/capabilities.hh"

#include <algorithm>
#include <memory>

#include <sys/capability.h>
#include <sys/prctl.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Nothing for a name that libcap does not know or the kernel does not have.
std::optional<cap_value_t> number_of(const std::string& name) {
    cap_value_t number = -1;
    if (cap_from_name(to_lower(name).c_str(), &number) != 0 || number >= cap_max_bits()) return std::nullopt;
    return number;
}

/// Empty for a number newer than libcap.
std::string capability_name(cap_value_t number) {
    char* text = cap_to_name(number);
    if (text == nullptr) return {};
    std::string name = to_upper(text);
    cap_free(text);
    return name.starts_with("CAP_") ? name : std::string();
}

Names normalize_all(const Names& texts, std::string_view option) {
    Names names;
    for (const std::string& text : texts) {
        const auto name = normalize_capability(text);
        if (!name) throw UsageError("{} '{}': unknown capability", option, printable(text));
        names.push_back(*name);
    }
    return names;
}

std::vector<cap_value_t> numbers_of(const Names& names) {
    std::vector<cap_value_t> numbers;
    for (const std::string& name : names) {
        const auto number = number_of(name);
        if (!number) throw Error("capability '{}': this kernel does not know it", printable(name));
        numbers.push_back(*number);
    }
    return numbers;
}

struct FreeCaps {
    void operator()(_cap_struct* caps) const { cap_free(caps); }
};

} // namespace

const Names& default_capabilities() {
    static const Names names{"CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
                             "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
                             "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};
    return names;
}

Names all_capabilities() {
    Names names;
    for (cap_value_t number = 0; number < cap_max_bits(); ++number) {
        std::string name = capability_name(number);
        if (!name.empty() && cap_get_bound(number) == 1) names.push_back(std::move(name));
    }
    return names;
}

std::optional<std::string> normalize_capability(std::string_view text) {
    std::string name = to_upper(text);
    if (name == "ALL") return name;
    if (!name.starts_with("CAP_")) name.insert(0, "CAP_");
    // cap_from_name takes numbers too, and text behind the name's end is not its business.
    if (name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != std::string::npos) return std::nullopt;
    if (!number_of(name)) return std::nullopt;
    return name;
}

Names apply_capability_options(const Names& base, const Names& add, const Names& drop, const Names& available) {
    const Names added = normalize_all(add, "--cap-add"), dropped = normalize_all(drop, "--cap-drop");
    Names result;
    if (contains(added, "ALL")) {
        for (const std::string& name : available)
            if (!contains(dropped, name)) result.push_back(name);
    } else {
        for (const std::string& name : base)
            if (contains(available, name) && !contains(dropped, name) && !contains(dropped, "ALL"))
                result.push_back(name);
    }
    for (const std::string& name : added) {
        if (name == "ALL") continue;
        if (!contains(available, name))
            throw Error("capability '{}' cannot be added: kist itself was started without it", name);
        // After "--cap-add ALL" a drop counts; without it what is added by name wins (Docker's
        // rules).
        if (!contains(added, "ALL")) result.push_back(name);
    }
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
}

Capabilities capability_sets(const Names& list) {
    return {.bounding = list, .effective = list, .inheritable = {}, .permitted = list, .ambient = {}};
}

void limit_bounding_set(const Capabilities& sets) {
    const auto keep = numbers_of(sets.bounding);
    for (cap_value_t number = 0; number < cap_max_bits(); ++number) {
        if (std::find(keep.begin(), keep.end(), number) != keep.end()) continue;
        if (cap_get_bound(number) == 1 && cap_drop_bound(number) != 0)
            throw SysError("dropping capability {} from the bounding set", number);
    }
}

namespace {

/// The kernel takes as ambient only what is permitted and inheritable as well; engines ask for more and mean this.
Names possible_ambient(const Capabilities& sets) {
    Names names;
    for (const std::string& name : sets.ambient)
        if (contains(sets.inheritable, name) && contains(sets.permitted, name)) names.push_back(name);
    return names;
}

} // namespace

void set_process_capabilities(const Capabilities& sets, bool root_user) {
    const Names ambient = possible_ambient(sets);
    const std::unique_ptr<_cap_struct, FreeCaps> caps{cap_init()};
    if (!caps) throw SysError("preparing capabilities");
    auto set = [&](cap_flag_t flag, const Names& names) {
        const auto numbers = numbers_of(names);
        if (!numbers.empty() &&
            cap_set_flag(caps.get(), flag, static_cast<int>(numbers.size()), numbers.data(), CAP_SET) != 0)
            throw SysError("preparing capabilities");
    };
    set(CAP_PERMITTED, root_user ? sets.permitted : ambient);
    set(CAP_EFFECTIVE, root_user ? sets.effective : ambient);
    set(CAP_INHERITABLE, sets.inheritable);
    if (cap_set_proc(caps.get()) != 0) {
        const std::string list = join(root_user ? sets.permitted : ambient, " ");
        throw SysError("setting the capabilities '{}'", list);
    }
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        throw SysError("clearing the ambient capabilities");
    for (const cap_value_t number : numbers_of(ambient))
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0)
            throw SysError("raising ambient capability {}", number);
}

} // namespace kist::oci
