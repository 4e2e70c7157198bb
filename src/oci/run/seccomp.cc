// SPDX-License-Identifier: Apache-2.0
// A runtime profile compiled by libseccomp, with a short program of ours in front for calls that
// libseccomp (2.5.4 on Debian 12) is too old to name. The one hole that a filter cannot close: on
// i386 a program can reach socket(AF_ALG) through socketcall(), whose arguments lie in memory.
#include "oci/run/seccomp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include <elf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/log.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "oci/run/seccomp_compact.hh"

namespace kist::oci {

namespace {

struct FreeFilter {
    void operator()(void* filter) const { seccomp_release(filter); }
};
using LibseccompFilter = std::unique_ptr<void, FreeFilter>;

constexpr std::array<std::pair<std::string_view, std::uint32_t>, 6> plain_actions{
    {{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
     {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
     {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
     {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
     {"SCMP_ACT_LOG", SCMP_ACT_LOG},
     {"SCMP_ACT_TRAP", SCMP_ACT_TRAP}}};

constexpr unsigned wait_killable = 1u << 5; // Linux 5.19
constexpr std::array<std::pair<std::string_view, unsigned>, 4> flag_names{
    {{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
     {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
     {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
     {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", wait_killable}}};

constexpr std::string_view notify_action = "SCMP_ACT_NOTIFY";

bool uses_notify(const Seccomp& profile) {
    return profile.default_action == notify_action ||
           std::any_of(profile.syscalls.begin(), profile.syscalls.end(),
                       [](const SyscallRule& rule) { return rule.action == notify_action; });
}

std::uint32_t parse_action(const std::string& action, std::optional<std::uint32_t> errno_ret) {
    const std::uint32_t value = errno_ret.value_or(EPERM);
    if (value > 0xffff) throw Error("seccomp: {} is no value for errnoRet", value);
    if (action == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(value);
    if (action == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(value);
    for (const auto& [name, token] : plain_actions)
        if (name == action) return token;
    if (action == notify_action) return SCMP_ACT_NOTIFY;
    throw Error("seccomp: unknown action '{}'", printable(action));
}

constexpr std::array<std::pair<std::string_view, scmp_compare>, 7> comparisons{
    {{"SCMP_CMP_NE", SCMP_CMP_NE},
     {"SCMP_CMP_LT", SCMP_CMP_LT},
     {"SCMP_CMP_LE", SCMP_CMP_LE},
     {"SCMP_CMP_EQ", SCMP_CMP_EQ},
     {"SCMP_CMP_GE", SCMP_CMP_GE},
     {"SCMP_CMP_GT", SCMP_CMP_GT},
     {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}}};

scmp_compare parse_comparison(const std::string& op) {
    for (const auto& [name, value] : comparisons)
        if (name == op) return value;
    throw Error("seccomp: unknown comparison '{}'", printable(op));
}

scmp_arg_cmp parse_argument(const SyscallArg& arg) {
    if (arg.index > 5) throw Error("seccomp: a system call has no argument {}", arg.index);
    return {.arg = arg.index, .op = parse_comparison(arg.op), .datum_a = arg.value, .datum_b = arg.value_two};
}

std::uint32_t parse_architecture(const std::string& name) {
    constexpr std::string_view prefix = "SCMP_ARCH_";
    const std::uint32_t token =
        name.starts_with(prefix) ? seccomp_arch_resolve_name(to_lower(name.substr(prefix.size())).c_str()) : 0;
    if (token == 0) throw Error("seccomp: unknown architecture '{}'", printable(name));
    return token;
}

/// Calls newer than Debian 12's libseccomp. From 424 on, numbers are the same on every architecture
/// but MIPS and Alpha (arch/*/entry/syscalls/*.tbl, scripts/syscall.tbl).
constexpr std::array<std::pair<std::string_view, std::uint32_t>, 20> new_calls{{{"set_mempolicy_home_node", 450},
                                                                                {"cachestat", 451},
                                                                                {"fchmodat2", 452},
                                                                                {"map_shadow_stack", 453},
                                                                                {"futex_wake", 454},
                                                                                {"futex_wait", 455},
                                                                                {"futex_requeue", 456},
                                                                                {"statmount", 457},
                                                                                {"listmount", 458},
                                                                                {"lsm_get_self_attr", 459},
                                                                                {"lsm_set_self_attr", 460},
                                                                                {"lsm_list_modules", 461},
                                                                                {"mseal", 462},
                                                                                {"setxattrat", 463},
                                                                                {"getxattrat", 464},
                                                                                {"listxattrat", 465},
                                                                                {"removexattrat", 466},
                                                                                {"open_tree_attr", 467},
                                                                                {"file_getattr", 468},
                                                                                {"file_setattr", 469}}};
constexpr std::uint32_t first_common_number = 424;
constexpr std::uint32_t x32_bit = 0x40000000;
constexpr std::uint32_t uretprobe_x86_64 = 335;

bool has_common_numbers(std::uint32_t arch) { return (arch & 0xffff) != EM_MIPS; }

/// What the program in front does. See front_program().
struct Front {
    std::vector<std::uint32_t> architectures;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> verdicts; ///< number, action
    bool allow_uretprobe = false;
    std::optional<std::uint32_t> newest; ///< calls beyond it get ENOSYS
};

bool add_new_call(Front& front, const std::string& name, const SyscallRule& rule, std::uint32_t action) {
    // Conditions on arguments are beyond this program: such a call keeps the default action.
    if (!rule.args.empty()) return false;
    if (name == "uretprobe" && action == SCMP_ACT_ALLOW) front.allow_uretprobe = true;
    for (const auto& [known, number] : new_calls) {
        if (known != name) continue;
        front.verdicts.emplace_back(number, action);
        return true;
    }
    return false;
}

void check(int result, std::string_view act, const std::string& object) {
    if (result < 0 && result != -EEXIST)
        throw SysError(SysError::Code{-result}, "seccomp: {} '{}'", act, printable(object));
}

void add_rule(void* filter, std::uint32_t action, int call, const std::string& name, const SyscallRule& rule) {
    std::vector<scmp_arg_cmp> arguments;
    bool repeated = false;
    for (const SyscallArg& arg : rule.args) {
        const scmp_arg_cmp parsed = parse_argument(arg);
        for (const scmp_arg_cmp& other : arguments) repeated = repeated || other.arg == parsed.arg;
        arguments.push_back(parsed);
    }
    if (!repeated) {
        const auto count = static_cast<unsigned>(arguments.size());
        check(seccomp_rule_add_array(filter, action, call, count, arguments.data()), "adding a rule for", name);
        return;
    }
    // libseccomp takes one condition an argument; several are alternatives, as every runtime reads
    // them.
    for (const scmp_arg_cmp& argument : arguments)
        check(seccomp_rule_add_array(filter, action, call, 1, &argument), "adding a rule for", name);
}

/// Adds the rules to the filter, and what libseccomp cannot name to the program in front. A name
/// that neither knows is left out: profiles list calls of all architectures and of kernels to come.
void add_rules(void* filter, const Seccomp& profile, std::uint32_t default_action, Front& front) {
    std::uint32_t newest = first_common_number - 1;
    for (const SyscallRule& rule : profile.syscalls) {
        const std::uint32_t action = parse_action(rule.action, rule.errno_ret);
        for (const std::string& name : rule.names) {
            const int call = seccomp_syscall_resolve_name(name.c_str());
            if (call == __NR_SCMP_ERROR) {
                if (add_new_call(front, name, rule, action)) newest = std::max(newest, front.verdicts.back().first);
                continue;
            }
            if (call > 0) newest = std::max(newest, static_cast<std::uint32_t>(call));
            if (action != default_action) add_rule(filter, action, call, name, rule); // libseccomp refuses equal ones
        }
    }
    if (profile.default_action == "SCMP_ACT_ERRNO" && default_action != SCMP_ACT_ERRNO(ENOSYS)) front.newest = newest;
}

sock_filter statement(int code, std::uint32_t value) {
    return {.code = static_cast<std::uint16_t>(code), .jt = 0, .jf = 0, .k = value};
}
sock_filter jump(int comparison, std::uint32_t value, std::size_t if_true, std::size_t if_false) {
    return {.code = static_cast<std::uint16_t>(BPF_JMP | BPF_K | comparison),
            .jt = static_cast<std::uint8_t>(if_true),
            .jf = static_cast<std::uint8_t>(if_false),
            .k = value};
}
sock_filter load(std::size_t offset) { return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
sock_filter answer(std::uint32_t action) { return statement(BPF_RET | BPF_K, action); }

/// Decides calls beyond libseccomp's knowledge and falls through to its filter for the rest: those
/// of x32, of other architectures, and old ones. ENOSYS for what is newer than anything the profile
/// names lets a program built for a newer kernel fall back; EPERM would make it fail.
std::vector<sock_filter> front_program(const Front& front) {
    std::vector<sock_filter> body{load(offsetof(seccomp_data, nr))};
    std::uint32_t lowest = front.newest ? *front.newest + 1 : x32_bit;
    for (const auto& [number, action] : front.verdicts) {
        lowest = std::min(lowest, number);
        body.push_back(jump(BPF_JEQ, number, 0, 1));
        body.push_back(answer(action));
    }
    if (front.newest) {
        body.push_back(jump(BPF_JGT, *front.newest, 0, 1));
        body.push_back(answer(SCMP_ACT_ERRNO(ENOSYS)));
    }
    std::vector<sock_filter> arch{load(offsetof(seccomp_data, arch))};
    for (std::size_t i = 0; i < front.architectures.size(); ++i)
        arch.push_back(jump(BPF_JEQ, front.architectures[i], front.architectures.size() - i, 0));
    arch.push_back(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(body.size())));

    std::vector<sock_filter> program;
    if (front.allow_uretprobe && std::find(front.architectures.begin(), front.architectures.end(), SCMP_ARCH_X86_64) !=
                                     front.architectures.end()) {
        program = {load(offsetof(seccomp_data, nr)), jump(BPF_JEQ, uretprobe_x86_64, 0, 3),
                   load(offsetof(seccomp_data, arch)), jump(BPF_JEQ, SCMP_ARCH_X86_64, 0, 1), answer(SCMP_ACT_ALLOW)};
    }
    if (lowest == x32_bit || front.architectures.empty()) return program;
    const auto rest = static_cast<std::uint32_t>(arch.size() + body.size());
    program.insert(program.end(), {load(offsetof(seccomp_data, nr)), jump(BPF_JGE, lowest, 1, 0),
                                   statement(BPF_JMP | BPF_JA, rest + 2), jump(BPF_JGE, x32_bit, 0, 1),
                                   statement(BPF_JMP | BPF_JA, rest)});
    program.insert(program.end(), arch.begin(), arch.end());
    program.insert(program.end(), body.begin(), body.end());
    return program;
}

std::string export_program(void* filter) {
    const Fd memory{::memfd_create("kist-seccomp", MFD_CLOEXEC)};
    if (!memory) throw SysError("seccomp: making a memory file");
    check(seccomp_export_bpf(filter, memory.get()), "writing the program of", "the profile");
    if (::lseek(memory.get(), 0, SEEK_SET) != 0) throw SysError("seccomp: reading the program");
    return read_all(memory, BPF_MAXINSNS * sizeof(sock_filter), "the seccomp program");
}

// The cache: a checksum and the program, in a file named after everything the program depends on.
// The folder is root's own, so the checksum is against damage, not forgery; a cryptographic one
// would take longer than reading the file.
constexpr std::string_view format_version = "2"; // counts changes of this file that change programs

std::uint64_t checksum(std::string_view bytes) {
    std::uint64_t sum = 0xcbf29ce484222325; // FNV-1a's constants, eight bytes a step
    for (std::size_t at = 0; at + sizeof sum <= bytes.size(); at += sizeof sum) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        sum = (sum ^ word) * 0x100000001b3;
        sum ^= sum >> 29; // or a high bit of the last word would not reach the low half
    }
    return sum ^ bytes.size();
}

std::string cache_name(std::string_view profile_hash, std::vector<std::string> capabilities) {
    std::sort(capabilities.begin(), capabilities.end());
    utsname kernel{};
    ::uname(&kernel); // minKernel, and the architecture
    const scmp_version* library = seccomp_version();
    const std::string key =
        fmt::format("{}\n{}\n{}\n{}\n{}.{}.{}\n{}", profile_hash, join(capabilities, ","), kernel.machine,
                    kernel.release, library->major, library->minor, library->micro, format_version);
    return sha256(key).hex();
}

std::optional<SeccompProgram> read_cached(const Dir& cache, const std::string& name) {
    std::uint64_t expected = 0;
    auto file = read_file_if_exists(cache, name, sizeof expected + BPF_MAXINSNS * sizeof(sock_filter));
    if (!file || file->size() <= sizeof expected) return std::nullopt;
    std::memcpy(&expected, file->data(), sizeof expected);
    file->erase(0, sizeof expected);
    if (file->size() % sizeof(sock_filter) != 0 || checksum(*file) != expected) return std::nullopt;
    return file;
}

void write_cached(const Dir& cache, const std::string& name, const SeccompProgram& program) {
    const std::uint64_t sum = checksum(program);
    std::string file(reinterpret_cast<const char*>(&sum), sizeof sum);
    write_atomically(cache, name, file + program, Durability::volatile_);
}

} // namespace

unsigned filter_flags(const Seccomp& profile) {
    unsigned flags = uses_notify(profile) ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    for (const std::string& word : profile.flags) {
        const auto known =
            std::find_if(flag_names.begin(), flag_names.end(), [&](const auto& flag) { return flag.first == word; });
        if (known == flag_names.end()) throw Error("linux.seccomp.flags: unknown flag '{}'", printable(word));
        flags |= known->second;
    }
    return flags;
}

SeccompWords seccomp_words() {
    SeccompWords words;
    for (const auto& [name, token] : plain_actions) words.actions.emplace_back(name);
    for (const char* name : {"SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY"}) words.actions.emplace_back(name);
    for (const auto& [name, value] : comparisons) words.operators.emplace_back(name);
    for (const char* name : {"X86_64", "X86", "X32", "ARM", "AARCH64", "PPC64LE", "RISCV64", "S390X"})
        words.architectures.push_back(std::string("SCMP_ARCH_") + name);
    for (const auto& [name, flag] : flag_names) words.flags.emplace_back(name);
    return words;
}

SeccompProgram translate(const Seccomp& profile) {
    if (uses_notify(profile) && profile.listener_path.empty())
        throw Error("seccomp: the action SCMP_ACT_NOTIFY needs a listener");
    const std::uint32_t default_action = parse_action(profile.default_action, profile.default_errno_ret);
    const LibseccompFilter filter{seccomp_init(default_action)};
    if (!filter) throw Error("seccomp: '{}' cannot be a default action", profile.default_action);
    Front front{.architectures = {seccomp_arch_native()}, .verdicts = {}, .newest = {}};
    for (const std::string& name : profile.architectures) {
        const std::uint32_t token = parse_architecture(name);
        if (token == seccomp_arch_native()) continue;
        check(seccomp_arch_add(filter.get(), token), "adding architecture", name);
        if (token != SCMP_ARCH_X32) front.architectures.push_back(token); // x32 shares x86_64's token in the kernel
    }
    std::erase_if(front.architectures, [](std::uint32_t token) { return !has_common_numbers(token); });
    // A balanced tree in place of a chain: 10 comparisons for a call, not 400.
    check(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "choosing", "a binary tree");
    add_rules(filter.get(), profile, default_action, front);
    const auto before = front_program(front);
    std::string program(reinterpret_cast<const char*>(before.data()), before.size() * sizeof(sock_filter));
    program += export_program(filter.get());
    if (program.size() > BPF_MAXINSNS * sizeof(sock_filter))
        throw Error("seccomp: the profile is too long for the kernel");
    return program;
}

SeccompProgram compile(const Seccomp& profile) {
    const SeccompProgram program = translate(profile);
    std::vector<sock_filter> steps(program.size() / sizeof(sock_filter));
    std::memcpy(steps.data(), program.data(), program.size());
    steps = compact(steps);
    return {reinterpret_cast<const char*>(steps.data()), steps.size() * sizeof(sock_filter)};
}

namespace {

template <typename Make>
SeccompProgram cached_or_made(const Dir& cache, const std::string& name, Make make) {
    if (auto program = read_cached(cache, name)) return *std::move(program);
    SeccompProgram program = make();
    try {
        write_cached(cache, name, program);
    } catch (const Error& error) { // a full or read-only disk costs the next start 30 ms, it does
                                   // not forbid this one
        log::debug("seccomp: keeping the compiled program: {}", error.message());
    }
    return program;
}

} // namespace

SeccompProgram cached_program(const Dir& cache, std::string_view profile_json,
                              const std::vector<std::string>& capabilities) {
    const bool built_in = profile_json.empty();
    const std::string hash = built_in ? std::string(default_profile_hash()) : sha256(profile_json).hex();
    return cached_or_made(cache, cache_name(hash, capabilities), [&] {
        const std::string_view text = built_in ? default_profile_json() : profile_json;
        return compile(resolve_profile(text, capabilities, "seccomp profile"));
    });
}

SeccompProgram cached_program(const Dir& cache, const Seccomp& profile) {
    const std::string hash = sha256(json::dump(to_value(profile))).hex();
    return cached_or_made(cache, cache_name(hash, {}), [&] { return compile(profile); });
}

} // namespace kist::oci
