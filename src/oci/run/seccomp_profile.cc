// SPDX-License-Identifier: Apache-2.0
// Docker's profile format and its conditions, resolved for this machine, this kernel and one
// capability set. https://docs.docker.com/engine/security/seccomp/ ; moby/profiles
// seccomp/seccomp.go has the members.
#include <algorithm>
#include <cstdio>

#include <sys/utsname.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "oci/run/seccomp.hh"

namespace kist::oci {

namespace {

using Names = std::vector<std::string>;

/// One side of a rule's condition; every member that is given must hold ("includes") or none may
/// ("excludes").
struct Condition {
    Names caps, arches;
    std::string min_kernel;
    static constexpr void fields(auto&& field) {
        field("caps", &Condition::caps);
        field("arches", &Condition::arches);
        field("minKernel", &Condition::min_kernel);
    }
};

struct ProfileRule {
    std::string name; // the form before Docker 1.12's "names"
    Names names;
    std::string action;
    std::optional<std::uint32_t> errno_ret;
    std::vector<SyscallArg> args;
    Condition includes, excludes;
    static constexpr void fields(auto&& field) {
        field("name", &ProfileRule::name);
        field("names", &ProfileRule::names);
        field("action", &ProfileRule::action, required);
        field("errnoRet", &ProfileRule::errno_ret);
        field("args", &ProfileRule::args);
        field("includes", &ProfileRule::includes);
        field("excludes", &ProfileRule::excludes);
    }
};

struct ArchMap {
    std::string architecture;
    Names sub_architectures;
    static constexpr void fields(auto&& field) {
        field("architecture", &ArchMap::architecture, required);
        field("subArchitectures", &ArchMap::sub_architectures);
    }
};

struct Profile {
    std::string default_action;
    std::optional<std::uint32_t> default_errno_ret;
    Names architectures, flags;
    std::vector<ArchMap> arch_map;
    std::vector<ProfileRule> syscalls;
    static constexpr void fields(auto&& field) {
        field("defaultAction", &Profile::default_action, required);
        field("defaultErrnoRet", &Profile::default_errno_ret);
        field("architectures", &Profile::architectures);
        field("flags", &Profile::flags);
        field("archMap", &Profile::arch_map);
        field("syscalls", &Profile::syscalls);
    }
};

/// libseccomp's name of the architecture we run on, and Go's, which the conditions use.
struct NativeArch {
    std::string_view seccomp, go;
};
constexpr NativeArch native_arch() {
#if defined(__x86_64__)
    return {"SCMP_ARCH_X86_64", "amd64"};
#elif defined(__i386__)
    return {"SCMP_ARCH_X86", "x86"};
#elif defined(__aarch64__)
    return {"SCMP_ARCH_AARCH64", "arm64"};
#elif defined(__arm__)
    return {"SCMP_ARCH_ARM", "arm"};
#elif defined(__powerpc64__)
    return {"SCMP_ARCH_PPC64LE", "ppc64le"};
#elif defined(__s390x__)
    return {"SCMP_ARCH_S390X", "s390x"};
#elif defined(__riscv) && __riscv_xlen == 64
    return {"SCMP_ARCH_RISCV64", "riscv64"};
#elif defined(__loongarch64)
    return {"SCMP_ARCH_LOONGARCH64", "loong64"};
#else
#error "seccomp: name this architecture here"
#endif
}

bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

struct KernelVersion {
    unsigned major = 0, minor = 0;
    auto operator<=>(const KernelVersion&) const = default;
};

KernelVersion running_kernel() {
    utsname names{};
    KernelVersion version;
    ::uname(&names);
    std::sscanf(names.release, "%u.%u", &version.major, &version.minor);
    return version;
}

KernelVersion parse_kernel(const std::string& text, std::string_view where) {
    const auto [major, minor] = split_once(text, '.');
    const auto high = parse_unsigned(major, 1000), low = parse_unsigned(minor.value_or("0"), 1000);
    if (!high || !low) throw Error("{}: minKernel '{}' is not of the form 4.8", where, printable(text));
    return {static_cast<unsigned>(*high), static_cast<unsigned>(*low)};
}

struct Machine {
    const Names& capabilities;
    KernelVersion kernel = running_kernel();
    std::string_view where;

    bool applies(const ProfileRule& rule) const {
        const Condition &in = rule.includes, &out = rule.excludes;
        const auto have = [&](const std::string& cap) { return contains(capabilities, cap); };
        if (!in.arches.empty() && !contains(in.arches, native_arch().go)) return false;
        if (!std::all_of(in.caps.begin(), in.caps.end(), have)) return false;
        if (!in.min_kernel.empty() && kernel < parse_kernel(in.min_kernel, where)) return false;
        if (contains(out.arches, native_arch().go)) return false;
        if (std::any_of(out.caps.begin(), out.caps.end(), have)) return false;
        return out.min_kernel.empty() || kernel < parse_kernel(out.min_kernel, where);
    }
};

Names resolve_architectures(const Profile& profile, std::string_view where) {
    if (!profile.architectures.empty() && !profile.arch_map.empty())
        throw Error("{}: use either architectures or archMap, not both", where);
    for (const ArchMap& entry : profile.arch_map) {
        if (entry.architecture != native_arch().seccomp) continue;
        Names all{entry.architecture};
        all.insert(all.end(), entry.sub_architectures.begin(), entry.sub_architectures.end());
        return all;
    }
    return profile.architectures;
}

} // namespace

Seccomp resolve_profile(std::string_view docker_profile_json, const Names& capabilities, std::string_view where) {
    constexpr json::Limits limits{.bytes = 1u << 20, .depth = 16, .values = 100'000};
    const auto profile = from_value<Profile>(json::parse(docker_profile_json, where, limits), where);
    const Machine machine{.capabilities = capabilities, .where = where};
    Seccomp resolved{.default_action = profile.default_action,
                     .default_errno_ret = profile.default_errno_ret,
                     .architectures = resolve_architectures(profile, where),
                     .flags = profile.flags,
                     .syscalls = {}};
    for (const ProfileRule& rule : profile.syscalls) {
        if (!rule.name.empty() && !rule.names.empty())
            throw Error("{}: a rule has both name '{}' and names", where, printable(rule.name));
        if (!machine.applies(rule)) continue;
        resolved.syscalls.push_back({.names = rule.name.empty() ? rule.names : Names{rule.name},
                                     .action = rule.action,
                                     .errno_ret = rule.errno_ret,
                                     .args = rule.args});
    }
    return resolved;
}

} // namespace kist::oci
