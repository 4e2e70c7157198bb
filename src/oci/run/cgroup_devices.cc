// SPDX-License-Identifier: Apache-2.0
// Device rules for cgroup v1 and v2; see cgroup_devices.hh. bpf(2), kernel
// Documentation/bpf/prog_cgroup_device.
#include "oci/run/cgroup_devices.hh"

#include <optional>

#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

enum class Kind : std::uint8_t { any, block, character };

/// One rule, checked. Nothing for a number means any.
struct Rule {
    bool allow = false;
    Kind kind = Kind::any;
    std::optional<std::uint32_t> major, minor;
    std::uint32_t access = 0; ///< BPF_DEVCG_ACC_… bits
    bool is_everything() const {
        return kind == Kind::any && !major && !minor &&
               access == (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE);
    }
};

Kind parse_kind(const std::string& type) {
    if (type.empty() || type == "a") return Kind::any;
    if (type == "b") return Kind::block;
    if (type == "c" || type == "u") return Kind::character;
    throw Error("device rule: '{}' is no device type (a, b or c)", printable(type));
}

std::uint32_t parse_access(const std::string& access) {
    if (access.empty()) return BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
    std::uint32_t bits = 0;
    for (const char letter : access) {
        if (letter == 'r') bits |= BPF_DEVCG_ACC_READ;
        else if (letter == 'w') bits |= BPF_DEVCG_ACC_WRITE;
        else if (letter == 'm') bits |= BPF_DEVCG_ACC_MKNOD;
        else throw Error("device rule: '{}' is no access (of r, w and m)", printable(access));
    }
    return bits;
}

/// -1 is what other runtimes write for "any".
std::optional<std::uint32_t> parse_number(const std::optional<std::int64_t>& number, std::int64_t max) {
    if (!number || *number == -1) return std::nullopt;
    if (*number < 0 || *number > max) throw Error("device rule: {} is no device number", *number);
    return static_cast<std::uint32_t>(*number);
}

/// Rules before the last "everything" rule have no effect; the list returned starts with one,
/// "deny" when there is none.
std::vector<Rule> effective_rules(const std::vector<DeviceRule>& given) {
    constexpr std::int64_t max_major = 0xfff, max_minor = 0xfffff; // include/linux/kdev_t.h
    std::vector<Rule> rules{{.allow = false, .kind = Kind::any, .major = {}, .minor = {}, .access = parse_access("")}};
    for (const DeviceRule& rule : given) {
        const Rule parsed{rule.allow, parse_kind(rule.type), parse_number(rule.major, max_major),
                          parse_number(rule.minor, max_minor), parse_access(rule.access)};
        if (parsed.is_everything()) rules.clear();
        rules.push_back(parsed);
    }
    return rules;
}

bool covers(const std::optional<std::uint32_t>& wide, const std::optional<std::uint32_t>& narrow) {
    return !wide || wide == narrow;
}
bool overlap(const std::optional<std::uint32_t>& a, const std::optional<std::uint32_t>& b) {
    return !a || !b || a == b;
}

/// v1 keeps a plain list of exceptions and takes out only those named exactly. mknod alone opens
/// nothing, so a node that may be made but not read or written is no reason to refuse ("c *:* m"
/// stands in everybody's default rules).
void check_expressible_v1(const std::vector<Rule>& rules, std::size_t at) {
    const Rule& rule = rules[at];
    constexpr std::uint32_t data = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
    for (std::size_t i = 1; i < at; ++i) {
        const Rule& before = rules[i];
        if (before.allow == rule.allow || (before.access & rule.access & data) == 0) continue;
        const bool kinds = before.kind == Kind::any || rule.kind == Kind::any || before.kind == rule.kind;
        if (!kinds || !overlap(before.major, rule.major) || !overlap(before.minor, rule.minor)) continue;
        if (before.major == rule.major && before.minor == rule.minor) continue;
        if (covers(rule.major, before.major) && covers(rule.minor, before.minor) && rule.allow) continue;
        throw Error("device rule {} {}:{}: cgroup v1 cannot take a part out of an earlier rule",
                    rule.allow ? "allow" : "deny", rule.major ? std::to_string(*rule.major) : "*",
                    rule.minor ? std::to_string(*rule.minor) : "*");
    }
}

/// A "deny" of what nothing before has allowed, as "c 10:229" in everybody's default rules, costs a
/// write for nothing.
bool is_without_effect_v1(const std::vector<Rule>& rules, std::size_t at) {
    const Rule& rule = rules[at];
    if (rule.allow != rules.front().allow) return false;
    for (std::size_t i = 1; i < at; ++i)
        if (rules[i].allow != rule.allow && rules[i].major == rule.major && rules[i].minor == rule.minor) return false;
    return true;
}

std::string line_v1(char type, const Rule& rule) {
    std::string line{type};
    line += ' ' + (rule.major ? std::to_string(*rule.major) : "*") + ':' +
            (rule.minor ? std::to_string(*rule.minor) : "*") + ' ';
    if ((rule.access & BPF_DEVCG_ACC_READ) != 0) line += 'r';
    if ((rule.access & BPF_DEVCG_ACC_WRITE) != 0) line += 'w';
    if ((rule.access & BPF_DEVCG_ACC_MKNOD) != 0) line += 'm';
    return line;
}

} // namespace

std::vector<std::pair<std::string, std::string>> device_writes_v1(const std::vector<DeviceRule>& given) {
    const std::vector<Rule> rules = effective_rules(given);
    std::vector<std::pair<std::string, std::string>> writes;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const Rule& rule = rules[i];
        const std::string file = rule.allow ? "devices.allow" : "devices.deny";
        if (i == 0) {
            writes.emplace_back(file, "a");
            continue;
        }
        check_expressible_v1(rules, i);
        if (is_without_effect_v1(rules, i)) continue;
        // The kernel takes "a" as everything whatever numbers follow, so such a rule is written for
        // both kinds.
        if (rule.kind != Kind::block) writes.emplace_back(file, line_v1('c', rule));
        if (rule.kind != Kind::character) writes.emplace_back(file, line_v1('b', rule));
    }
    return writes;
}

namespace {

// Registers of the program: the three numbers of the request, and what of the access asked for is
// not yet allowed.
constexpr std::uint8_t verdict = BPF_REG_0, context = BPF_REG_1, access_left = BPF_REG_2, kind = BPF_REG_3,
                       major_number = BPF_REG_4, minor_number = BPF_REG_5, scratch = BPF_REG_6;

bpf_insn instruction(int code, std::uint8_t to, std::uint8_t from, std::size_t offset, std::uint32_t value) {
    bpf_insn made{};
    made.code = static_cast<std::uint8_t>(code);
    made.dst_reg = to & 0xf;
    made.src_reg = from & 0xf;
    made.off = static_cast<std::int16_t>(offset);
    made.imm = static_cast<std::int32_t>(value);
    return made;
}
bpf_insn load(std::uint8_t to, std::size_t offset) {
    return instruction(BPF_LDX | BPF_MEM | BPF_W, to, context, offset, 0);
}
bpf_insn alu(int operation, std::uint8_t to, std::uint32_t value) {
    return instruction(BPF_ALU | BPF_K | operation, to, 0, 0, value);
}
bpf_insn copy(std::uint8_t to, std::uint8_t from) { return instruction(BPF_ALU | BPF_X | BPF_MOV, to, from, 0, 0); }
/// Its jump distance is filled in when the rule's length is known.
bpf_insn skip_rule_if(int comparison, std::uint8_t left, std::uint32_t value) {
    return instruction(BPF_JMP | BPF_K | comparison, left, 0, 0, value);
}
void append_answer(std::vector<bpf_insn>& code, bool allow) {
    code.push_back(alu(BPF_MOV, verdict, allow ? 1 : 0));
    code.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

std::vector<bpf_insn> rule_code(const Rule& rule) {
    std::vector<bpf_insn> code;
    if (rule.kind != Kind::any)
        code.push_back(
            skip_rule_if(BPF_JNE, kind, rule.kind == Kind::block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR));
    if (rule.major) code.push_back(skip_rule_if(BPF_JNE, major_number, *rule.major));
    if (rule.minor) code.push_back(skip_rule_if(BPF_JNE, minor_number, *rule.minor));
    if (rule.allow) {
        // A rule may allow a part (r) of what is asked (rw); an earlier one may allow the rest.
        code.push_back(alu(BPF_AND, access_left, ~rule.access));
        code.push_back(skip_rule_if(BPF_JNE, access_left, 0));
    } else {
        code.push_back(copy(scratch, access_left));
        code.push_back(alu(BPF_AND, scratch, rule.access));
        code.push_back(skip_rule_if(BPF_JEQ, scratch, 0));
    }
    append_answer(code, rule.allow);
    for (std::size_t i = 0; i < code.size(); ++i) {
        const std::uint8_t operation = BPF_OP(code[i].code);
        if (BPF_CLASS(code[i].code) == BPF_JMP && operation != BPF_EXIT)
            code[i].off = static_cast<std::int16_t>(code.size() - i - 1);
    }
    return code;
}

int bpf(int command, bpf_attr& attributes) {
    return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

std::vector<std::uint32_t> attached_programs(const Fd& folder) {
    std::vector<std::uint32_t> ids(64); // the kernel's own bound for one cgroup
    bpf_attr query{};
    query.query.target_fd = static_cast<std::uint32_t>(folder.get());
    query.query.attach_type = BPF_CGROUP_DEVICE;
    query.query.prog_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    query.query.prog_cnt = static_cast<std::uint32_t>(ids.size());
    if (bpf(BPF_PROG_QUERY, query) != 0) throw SysError("listing the device rules of the cgroup");
    ids.resize(query.query.prog_cnt);
    return ids;
}

void detach_program(const Fd& folder, std::uint32_t id) {
    bpf_attr find{};
    find.prog_id = id;
    const Fd program{bpf(BPF_PROG_GET_FD_BY_ID, find)};
    if (!program) throw SysError("opening the old device rules of the cgroup");
    bpf_attr detach{};
    detach.target_fd = static_cast<std::uint32_t>(folder.get());
    detach.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
    detach.attach_type = BPF_CGROUP_DEVICE;
    if (bpf(BPF_PROG_DETACH, detach) != 0) throw SysError("detaching the old device rules of the cgroup");
}

} // namespace

std::vector<bpf_insn> device_program_v2(const std::vector<DeviceRule>& given) {
    const std::vector<Rule> rules = effective_rules(given);
    std::vector<bpf_insn> program{
        load(access_left, offsetof(bpf_cgroup_dev_ctx, access_type)),
        copy(kind, access_left),
        alu(BPF_AND, kind, 0xffff),
        alu(BPF_RSH, access_left, 16),
        load(major_number, offsetof(bpf_cgroup_dev_ctx, major)),
        load(minor_number, offsetof(bpf_cgroup_dev_ctx, minor)),
    };
    for (std::size_t i = rules.size() - 1; i > 0; --i) {
        const auto code = rule_code(rules[i]);
        program.insert(program.end(), code.begin(), code.end());
    }
    append_answer(program, rules.front().allow);
    return program;
}

void attach_device_program(const Fd& folder, const std::vector<bpf_insn>& program) {
    static constexpr char license[] = "Apache-2.0"; // no helper that asks for GPL is called
    bpf_attr load_request{};
    load_request.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    load_request.insn_cnt = static_cast<std::uint32_t>(program.size());
    load_request.insns = reinterpret_cast<std::uintptr_t>(program.data());
    load_request.license = reinterpret_cast<std::uintptr_t>(license);
    const Fd loaded{bpf(BPF_PROG_LOAD, load_request)};
    if (!loaded) throw SysError("loading the device rules as a BPF program");
    const std::vector<std::uint32_t> before = attached_programs(folder);
    bpf_attr attach_request{};
    attach_request.target_fd = static_cast<std::uint32_t>(folder.get());
    attach_request.attach_bpf_fd = static_cast<std::uint32_t>(loaded.get());
    attach_request.attach_type = BPF_CGROUP_DEVICE;
    // "Multi", so that an engine inside the container can limit its own containers further.
    attach_request.attach_flags = BPF_F_ALLOW_MULTI;
    if (bpf(BPF_PROG_ATTACH, attach_request) != 0) throw SysError("attaching the device rules to the cgroup");
    // All attached programs must allow an access, so while an update is half done the rules are
    // stricter, never laxer.
    for (const std::uint32_t id : before) detach_program(folder, id);
}

} // namespace kist::oci
