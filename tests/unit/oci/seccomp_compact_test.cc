// SPDX-License-Identifier: Apache-2.0
// The rewritten filter is compared with the one it came from: by an interpreter of the kernel's instructions, over every
// call number that either tells apart, and arguments that hit their tests and miss them.
#include "oci/run/seccomp_compact.hh"

#include <cstddef>
#include <cstring>
#include <random>
#include <set>

#include <catch2/catch_test_macros.hpp>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "oci/run/capabilities.hh"
#include "oci/run/seccomp.hh"

using namespace kist;
using namespace kist::oci;

namespace {

using Code = std::vector<sock_filter>;

std::uint32_t answer_of(const Code& program, const seccomp_data& data) {
    std::uint32_t a = 0;
    for (std::size_t at = 0; at < program.size(); ++at) {
        const sock_filter& s = program[at];
        switch (s.code) {
        case BPF_LD | BPF_W | BPF_ABS:
            REQUIRE(s.k + sizeof a <= sizeof data);
            std::memcpy(&a, reinterpret_cast<const char*>(&data) + s.k, sizeof a);
            break;
        case BPF_ALU | BPF_AND | BPF_K: a &= s.k; break;
        case BPF_JMP | BPF_JA: at += s.k; break;
        case BPF_JMP | BPF_JEQ | BPF_K: at += a == s.k ? s.jt : s.jf; break;
        case BPF_JMP | BPF_JGT | BPF_K: at += a > s.k ? s.jt : s.jf; break;
        case BPF_JMP | BPF_JGE | BPF_K: at += a >= s.k ? s.jt : s.jf; break;
        case BPF_JMP | BPF_JSET | BPF_K: at += (a & s.k) != 0 ? s.jt : s.jf; break;
        case BPF_RET | BPF_K: return s.k;
        default: FAIL("an instruction that libseccomp does not write: " << s.code);
        }
    }
    FAIL("the program has no end");
    return 0;
}

Code code_of(const SeccompProgram& program) {
    Code code(program.size() / sizeof(sock_filter));
    std::memcpy(code.data(), program.data(), program.size());
    return code;
}

/// Every constant of the program and its neighbours.
std::vector<std::uint32_t> corners(const Code& program) {
    std::set<std::uint32_t> found{0, 1, UINT32_MAX};
    for (const sock_filter& s : program)
        if (BPF_CLASS(s.code) == BPF_JMP || BPF_CLASS(s.code) == BPF_ALU) found.insert({s.k - 1, s.k, s.k + 1});
    return {found.begin(), found.end()};
}

void check_same(const Code& before, const Code& after) {
    const std::vector<std::uint32_t> words = corners(before);
    std::mt19937 random(1); // the same run every time
    const auto word = [&] { return words[random() % words.size()]; };
    std::size_t differences = 0;
    for (const std::uint32_t arch : {std::uint32_t(AUDIT_ARCH_X86_64), std::uint32_t(AUDIT_ARCH_I386),
                                     std::uint32_t(AUDIT_ARCH_AARCH64), 0u, UINT32_MAX})
        for (const std::uint32_t number : words)
            for (int sample = 0; sample < 12; ++sample) {
                seccomp_data data{};
                data.arch = arch;
                data.nr = static_cast<int>(number);
                for (auto& argument : data.args) {
                    argument = random() % 3 == 0 ? word() : 0;
                    if (random() % 4 == 0) argument |= std::uint64_t{word()} << 32;
                }
                differences += answer_of(before, data) != answer_of(after, data);
            }
    CHECK(differences == 0);
}

} // namespace

TEST_CASE("the default filter answers the same and is less than half as long") {
    for (const auto& capabilities : {default_capabilities(), std::vector<std::string>{}, all_capabilities()}) {
        const Code before = code_of(translate(resolve_profile(default_profile_json(), capabilities, "default")));
        const Code after = compact(before);
        INFO(before.size() << " instructions, then " << after.size());
        CHECK(after.size() * 2 < before.size());
        check_same(before, after);
        CHECK(compact(after).size() == after.size());
    }
}

TEST_CASE("filters with tests of arguments answer the same") {
    for (
        const char* rules :
        {R"({"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":5,"op":"SCMP_CMP_EQ"}]})",
         R"({"names":["socket","ioctl"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":4294967301,"op":"SCMP_CMP_GT"}]})",
         R"({"names":["clone"],"action":"SCMP_ACT_ERRNO","errnoRet":7,"args":[{"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}]})",
         R"({"names":["write","openat"],"action":"SCMP_ACT_KILL","args":[{"index":2,"value":0,"op":"SCMP_CMP_NE"},{"index":3,"value":9,"op":"SCMP_CMP_LT"}]})"}) {
        const std::string profile =
            R"({"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],"syscalls":[)" +
            std::string(rules) + "]}";
        const Code before = code_of(translate(resolve_profile(profile, {}, "test.json")));
        check_same(before, compact(before));
    }
}

TEST_CASE("what is not understood stays as it is") {
    const auto load = [](std::size_t offset) {
        return sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
    };
    const sock_filter allow{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    const sock_filter deny{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO};
    const auto stays = [](const Code& program) { return compact(program).size() == program.size(); };
    CHECK(stays({}));
    CHECK(stays({allow}));
    CHECK(stays({load(offsetof(seccomp_data, nr)),
                 {BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xff},
                 {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 3},
                 allow,
                 allow})); // a masked call number
    CHECK(stays({load(offsetof(seccomp_data, nr)), {BPF_JMP | BPF_JSET | BPF_K, 0, 1, 3}, allow, allow}));
    CHECK(stays({load(offsetof(seccomp_data, nr)), {BPF_ST, 0, 0, 0}, allow}));
    // out of the program
    CHECK(stays({load(offsetof(seccomp_data, nr)), {BPF_JMP | BPF_JEQ | BPF_K, 200, 0, 3}, deny}));
}

TEST_CASE("paths that meet again after each of many tests cost no time") {
    Code program{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)}};
    for (std::uint32_t i = 0; i < 60; ++i) { // 2^60 paths to one answer
        program.push_back({BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, args)});
        program.push_back({BPF_JMP | BPF_JGT | BPF_K, 0, 0, i});
    }
    program.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
    CHECK(compact(program).size() == program.size());
}
