// SPDX-License-Identifier: Apache-2.0
// Seccomp profiles of users, and the rewriting of filters: an arbitrary program that the kernel would take must answer the
// same before and after.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include <linux/seccomp.h>

#include "base/error.hh"
#include "oci/run/capabilities.hh"
#include "oci/run/seccomp.hh"
#include "oci/run/seccomp_compact.hh"

using namespace kist;
using namespace kist::oci;

namespace {

using Code = std::vector<sock_filter>;

/// What libseccomp writes, so that most inputs are programs: an operation of this list, jumps that stay inside.
Code program_of(const std::uint8_t* data, std::size_t size) {
    constexpr std::uint16_t operations[] = {
        BPF_LD | BPF_W | BPF_ABS,  BPF_ALU | BPF_AND | BPF_K, BPF_JMP | BPF_JA,           BPF_JMP | BPF_JEQ | BPF_K,
        BPF_JMP | BPF_JGT | BPF_K, BPF_JMP | BPF_JGE | BPF_K, BPF_JMP | BPF_JSET | BPF_K, BPF_RET | BPF_K};
    Code code;
    for (; size >= 4 && code.size() < 60; data += 4, size -= 4) {
        sock_filter step{operations[data[0] % 8], static_cast<std::uint8_t>(data[1] % 4),
                         static_cast<std::uint8_t>(data[2] % 4), data[3]};
        if (step.code == (BPF_LD | BPF_W | BPF_ABS)) step.k = data[3] % 16 * 4;
        if (step.code == (BPF_JMP | BPF_JA)) step.k = data[3] % 4;
        code.push_back(step);
    }
    for (int i = 0; i < 5; ++i) code.push_back({BPF_RET | BPF_K, 0, 0, static_cast<std::uint32_t>(1000 + i)});
    return code;
}

std::uint32_t answer_of(const Code& code, const seccomp_data& data) {
    std::uint32_t a = 0;
    for (std::size_t at = 0; at < code.size(); ++at) {
        const sock_filter& s = code[at];
        switch (s.code) {
        case BPF_LD | BPF_W | BPF_ABS: std::memcpy(&a, reinterpret_cast<const char*>(&data) + s.k, 4); break;
        case BPF_ALU | BPF_AND | BPF_K: a &= s.k; break;
        case BPF_JMP | BPF_JA: at += s.k; break;
        case BPF_JMP | BPF_JEQ | BPF_K: at += a == s.k ? s.jt : s.jf; break;
        case BPF_JMP | BPF_JGT | BPF_K: at += a > s.k ? s.jt : s.jf; break;
        case BPF_JMP | BPF_JGE | BPF_K: at += a >= s.k ? s.jt : s.jf; break;
        case BPF_JMP | BPF_JSET | BPF_K: at += (a & s.k) != 0 ? s.jt : s.jf; break;
        default: return s.k;
        }
    }
    std::abort(); // ran out of the program
}

void compare(const Code& before) {
    const Code after = compact(before);
    for (std::uint32_t number = 0; number < 40; ++number)
        for (std::uint32_t arch = 0; arch < 6; ++arch) {
            seccomp_data data{};
            data.nr = static_cast<int>(number * 7);
            data.arch = arch * 43;
            for (std::size_t i = 0; i < 6; ++i) data.args[i] = (number * 31 + i * arch) | std::uint64_t{arch} << 33;
            if (answer_of(before, data) != answer_of(after, data)) std::abort();
        }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    compare(program_of(data, size));
    try {
        resolve_profile({reinterpret_cast<const char*>(data), size}, default_capabilities(), "fuzz");
    } catch (const Error&) {
    }
    return 0;
}
