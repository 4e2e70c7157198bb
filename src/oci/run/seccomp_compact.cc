// SPDX-License-Identifier: Apache-2.0
#include "oci/run/seccomp_compact.hh"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include <linux/seccomp.h>

namespace kist::oci {
namespace {

using Code = std::vector<sock_filter>;

/// The program cannot be rewritten; never leaves this file.
struct NotUnderstood {};

constexpr std::uint16_t load_word = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t and_constant = BPF_ALU | BPF_AND | BPF_K;
constexpr std::size_t longest_jump = 255;   ///< jt and jf are bytes
constexpr std::size_t longest_tests = 1000; ///< of the arguments of one call: more is a profile made to hurt

bool is_jump(const sock_filter& step) { return BPF_CLASS(step.code) == BPF_JMP; }
int comparison(const sock_filter& step) { return BPF_OP(step.code); }
bool is_always(const sock_filter& step) { return is_jump(step) && comparison(step) == BPF_JA; }
bool is_return(const sock_filter& step) { return step.code == (BPF_RET | BPF_K); }

sock_filter make(int code, std::uint32_t value, std::size_t if_true = 0, std::size_t if_false = 0) {
    return {.code = static_cast<std::uint16_t>(code),
            .jt = static_cast<std::uint8_t>(if_true),
            .jf = static_cast<std::uint8_t>(if_false),
            .k = value};
}

void append(Code& to, const Code& more) { to.insert(to.end(), more.begin(), more.end()); }

bool equal(const Code& a, const Code& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i].code != b[i].code || a[i].jt != b[i].jt || a[i].jf != b[i].jf || a[i].k != b[i].k) return false;
    return true;
}

// ---- what the program compares with what ----

/// What the accumulator may hold at an instruction, as bits: several paths may meet there.
enum Holds : unsigned { nothing = 1, arch = 2, number = 4, argument = 8 };

Holds loaded_by(const sock_filter& load) {
    if (load.k == offsetof(seccomp_data, arch)) return arch;
    if (load.k == offsetof(seccomp_data, nr)) return number;
    return argument;
}

struct Domain {
    std::set<std::uint32_t> architectures; ///< those that the program knows
    std::set<std::uint32_t> starts{0};     ///< of the ranges of call numbers that it may tell apart
};

void add_comparison(Domain& domain, const sock_filter& step, unsigned holds) {
    const int how = comparison(step);
    if (holds == argument) return;
    if (holds == arch && how == BPF_JEQ) {
        domain.architectures.insert(step.k);
        return;
    }
    const bool orders = how == BPF_JEQ || how == BPF_JGT || how == BPF_JGE;
    if (holds != number || !orders) throw NotUnderstood{}; // also when paths that hold different things meet here
    if (how != BPF_JGT) domain.starts.insert(step.k);
    if (how != BPF_JGE && step.k != UINT32_MAX) domain.starts.insert(step.k + 1);
}

/// One pass does: jumps only lead forward.
Domain find_domain(const Code& program) {
    Domain domain;
    std::vector<unsigned> holds(program.size(), 0);
    holds.front() = nothing;
    const auto reach = [&](std::size_t at, unsigned what) {
        if (at >= program.size()) throw NotUnderstood{};
        holds[at] |= what;
    };
    for (std::size_t at = 0; at < program.size(); ++at) {
        const sock_filter& step = program[at];
        if (holds[at] == 0 || is_return(step)) continue;
        if (is_always(step)) {
            reach(at + 1 + step.k, holds[at]);
        } else if (is_jump(step) && BPF_SRC(step.code) == BPF_K) {
            add_comparison(domain, step, holds[at]);
            reach(at + 1 + step.jt, holds[at]);
            reach(at + 1 + step.jf, holds[at]);
        } else if (step.code == load_word) {
            reach(at + 1, loaded_by(step));
        } else if (step.code == and_constant && holds[at] == argument) {
            reach(at + 1, argument);
        } else {
            throw NotUnderstood{};
        }
    }
    return domain;
}

// ---- what the program does for one architecture and one call number ----

struct Call {
    std::uint32_t architecture = 0;
    std::uint32_t number = 0;
};

bool holds_true(const sock_filter& step, std::uint32_t value) {
    switch (comparison(step)) {
    case BPF_JEQ: return value == step.k;
    case BPF_JGT: return value > step.k;
    case BPF_JGE: return value >= step.k;
    default: throw NotUnderstood{}; // find_domain has seen to that
    }
}

/// The tests of arguments that are left, as code that ends in an answer on each path. `known`: the accumulator, unless it
/// holds a part of an argument. `branches`: how many more are followed; where paths meet again there may be 2^n.
Code remainder(const Code& program, std::size_t at, std::optional<std::uint32_t> known, const Call& call,
               std::size_t& branches) {
    Code code;
    for (;;) {
        const sock_filter& step = program.at(at);
        if (is_return(step)) {
            code.push_back(step);
            return code;
        }
        if (is_always(step)) {
            at += 1 + step.k;
        } else if (is_jump(step) && known) {
            at += 1 + (holds_true(step, *known) ? step.jt : step.jf);
        } else if (is_jump(step)) {
            if (branches-- == 0) throw NotUnderstood{};
            const Code yes = remainder(program, at + 1 + step.jt, std::nullopt, call, branches);
            const Code no = remainder(program, at + 1 + step.jf, std::nullopt, call, branches);
            if (yes.size() > longest_jump || yes.size() + no.size() > longest_tests) throw NotUnderstood{};
            if (!equal(yes, no)) code.push_back(make(step.code, step.k, 0, yes.size()));
            if (!equal(yes, no)) append(code, yes);
            append(code, no);
            return code;
        } else {
            const Holds what = step.code == load_word ? loaded_by(step) : argument;
            known = what == arch     ? std::optional(call.architecture)
                    : what == number ? std::optional(call.number)
                                     : std::nullopt;
            if (what == argument) code.push_back(step);
            ++at;
        }
    }
}

// ---- the new program ----

struct Range {
    std::uint32_t start = 0;
    Code code;
};

std::vector<Range> ranges_of(const Code& program, const Domain& domain, std::uint32_t architecture) {
    std::vector<Range> ranges;
    for (const std::uint32_t start : domain.starts) {
        std::size_t branches = longest_tests;
        Code code = remainder(program, 0, std::nullopt, {architecture, start}, branches);
        if (ranges.empty() || !equal(ranges.back().code, code)) ranges.push_back({start, std::move(code)});
    }
    return ranges;
}

/// The new program, written from its end to its start: jumps lead forward, so their targets are there already, and what
/// several ranges are answered with is there once.
class Writer {
public:
    /// An instruction, named by how many there are from it to the end.
    using Mark = std::size_t;

    Mark put(const sock_filter& step) {
        reversed_.push_back(step);
        return reversed_.size();
    }
    /// Anywhere behind: one copy serves all.
    Mark put_shared(const Code& code) {
        for (const auto& [known, mark] : shared_)
            if (equal(known, code)) return mark;
        return put_anew(code);
    }
    Mark put_branch(int how, std::uint32_t value, Mark yes, Mark no) {
        yes = bring_near(yes);
        no = bring_near(no);
        yes = bring_near(yes); // bringing the other one near may have moved it out of reach
        const Mark next = reversed_.size();
        return put(make(BPF_JMP | BPF_K | how, value, next - yes, next - no));
    }
    Code take() { return {reversed_.rbegin(), reversed_.rend()}; }

private:
    Mark put_anew(const Code& code) {
        for (auto step = code.rbegin(); step != code.rend(); ++step) reversed_.push_back(*step);
        std::erase_if(shared_, [&](const auto& each) { return equal(each.first, code); });
        shared_.emplace_back(code, reversed_.size());
        return reversed_.size();
    }
    /// Two instructions of this kind may yet be put between it and the jump.
    Mark bring_near(Mark target) {
        const Mark next = reversed_.size();
        if (next - target + 2 <= longest_jump) return target;
        const sock_filter& there = reversed_[target - 1];
        if (is_return(there)) return put_anew({there});
        return put(make(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(next - target)));
    }

    Code reversed_;
    std::vector<std::pair<Code, Mark>> shared_;
};

/// A balanced tree over the ranges [first, last).
Writer::Mark put_tree(Writer& writer, const std::vector<Range>& ranges, std::size_t first, std::size_t last) {
    if (last - first == 1) return writer.put_shared(ranges[first].code);
    const std::size_t middle = first + (last - first) / 2;
    const Writer::Mark right = put_tree(writer, ranges, middle, last);
    const Writer::Mark left = put_tree(writer, ranges, first, middle);
    return writer.put_branch(BPF_JGE, ranges[middle].start, right, left);
}

Writer::Mark put_architecture(Writer& writer, const Code& program, const Domain& domain, std::uint32_t token) {
    const std::vector<Range> ranges = ranges_of(program, domain, token);
    const Writer::Mark tree = put_tree(writer, ranges, 0, ranges.size());
    if (ranges.size() == 1) return tree;
    return writer.put(make(load_word, offsetof(seccomp_data, nr)));
}

/// One that the program does not know: it cannot tell such ones apart.
std::uint32_t unknown_architecture(const Domain& domain) {
    std::uint32_t token = 0;
    while (domain.architectures.contains(token)) ++token;
    return token;
}

Code rewrite(const Code& program) {
    const Domain domain = find_domain(program);
    Writer writer;
    Writer::Mark next = put_architecture(writer, program, domain, unknown_architecture(domain));
    if (domain.architectures.empty()) return writer.take();
    for (const std::uint32_t token : domain.architectures) { // the last one written is asked for first: x86_64
        const Writer::Mark block = put_architecture(writer, program, domain, token);
        next = writer.put_branch(BPF_JEQ, token, block, next);
    }
    writer.put(make(load_word, offsetof(seccomp_data, arch)));
    return writer.take();
}

} // namespace

std::vector<sock_filter> compact(const std::vector<sock_filter>& program) {
    if (program.empty()) return program;
    try {
        Code smaller = rewrite(program);
        return smaller.size() < program.size() ? smaller : program;
    } catch (const NotUnderstood&) {
        return program;
    }
}

} // namespace kist::oci
