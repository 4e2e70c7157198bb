// SPDX-License-Identifier: Apache-2.0
// The default profile by what it does to a process, Docker's conditions, and the cache.
#include "oci/run/seccomp.hh"

#include <functional>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hh"
#include "oci/run/capabilities.hh"

using namespace kist;
using namespace kist::oci;

namespace {

bool install(const SeccompProgram& program) {
    sock_fprog filter{static_cast<unsigned short>(program.size() / sizeof(sock_filter)),
                      reinterpret_cast<sock_filter*>(const_cast<char*>(program.data()))};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

/// The errno of each call under the program, 0 for success; -1 where the process died. One child
/// each.
int errno_under(const SeccompProgram& program, long number, long a = 0, long b = 0, long c = 0) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (!install(program)) ::_exit(255);
        const int code = ::syscall(number, a, b, c, 0L, 0L, 0L) < 0 ? errno : 0;
        // Not _exit: a sanitizer looks for leaks there, with calls that this filter may not allow.
        ::syscall(SYS_exit_group, code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

SeccompProgram default_program(const std::vector<std::string>& capabilities = default_capabilities()) {
    return compile(resolve_profile(default_profile_json(), capabilities, "default"));
}

Seccomp resolve(const std::string& rules, const std::vector<std::string>& capabilities = {}) {
    return resolve_profile(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[)" + rules + "]}", capabilities,
                           "test.json");
}
std::size_t rules_left(const std::string& condition, const std::vector<std::string>& capabilities = {}) {
    return resolve(R"({"names":["read"],"action":"SCMP_ACT_ALLOW",)" + condition + "}", capabilities).syscalls.size();
}

std::string message_of(const std::function<void()>& act) {
    try {
        act();
        return "no error";
    } catch (const Error& error) {
        return error.message();
    }
}

} // namespace

TEST_CASE("the default profile allows everyday calls and blocks the dangerous ones") {
    const SeccompProgram program = default_program();
    CHECK(errno_under(program, SYS_getpid) == 0);
    CHECK(errno_under(program, SYS_socket, AF_INET, SOCK_STREAM) == 0);
    CHECK(errno_under(program, SYS_socket, AF_NETLINK, SOCK_RAW) == 0);
    for (const long call : {SYS_keyctl,         SYS_add_key,        SYS_request_key,       SYS_userfaultfd,
                            SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_bpf,
                            SYS_mount,          SYS_umount2,        SYS_pivot_root,        SYS_setns,
                            SYS_kexec_load,     SYS_init_module,    SYS_open_by_handle_at, SYS_perf_event_open,
                            SYS_reboot,         SYS_swapon,         SYS_settimeofday,      SYS_move_mount,
                            SYS_open_tree,      SYS_fsopen,         SYS_quotactl,          SYS_acct,
                            SYS_syslog}) {
        CAPTURE(call);
        CHECK(errno_under(program, call, -1, -1, -1) == EPERM);
    }
    CHECK(errno_under(program, SYS_unshare, 0x10000000) == EPERM);
    CHECK(errno_under(program, SYS_clone, 0x10000000 | 17) == EPERM); // CLONE_NEWUSER
    CHECK(errno_under(program, SYS_clone3, 0, 0) == ENOSYS);
}

TEST_CASE(
    "AF_ALG, AF_VSOCK and unknown address families are closed, whatever the upper half of the "
    "register holds") {
    const SeccompProgram program = default_program();
    for (const long family : {38L, 40L, 12L, 19L, 46L, 1000L, -1L, (1L << 32) | 38, (1L << 32) | 40}) {
        CAPTURE(family);
        CHECK(errno_under(program, SYS_socket, family, SOCK_STREAM) == EPERM);
    }
}

TEST_CASE("personality takes the five harmless values only") {
    const SeccompProgram program = default_program();
    for (const long value : {0L, 8L, 0x20000L, 0x20008L, 0xffffffffL})
        CHECK(errno_under(program, SYS_personality, value) == 0);
    for (const long value : {1L, 0x40000L, 0x0400000L}) CHECK(errno_under(program, SYS_personality, value) == EPERM);
}

TEST_CASE("calls newer than the profile get ENOSYS, those that libseccomp cannot name still work") {
    const SeccompProgram program = default_program();
    for (const long call : {467L, 468L, 470L, 500L, 1000L, 0x3fffffffL}) {
        CAPTURE(call);
        CHECK(errno_under(program, call, -1) == ENOSYS);
    }
    CHECK(errno_under(program, 452, -1, 0) != EPERM); // fchmodat2: glibc 2.39 falls back on ENOSYS only
    CHECK(errno_under(program, 459, -1, 0) == EPERM); // lsm_get_self_attr: needs CAP_SYS_ADMIN
    CHECK(errno_under(default_program({"CAP_SYS_ADMIN"}), 459, -1, 0) != EPERM);
}

TEST_CASE("a capability opens its calls") {
    CHECK(errno_under(default_program({"CAP_SYS_ADMIN"}), SYS_unshare, 0) == 0);
    CHECK(errno_under(default_program({"CAP_SYSLOG"}), SYS_syslog, -1) != EPERM);
    CHECK(errno_under(default_program({}), SYS_chroot, 0) == EPERM);
    CHECK(errno_under(default_program({"CAP_SYS_CHROOT"}), SYS_chroot, 0) == EFAULT);
}

TEST_CASE("conditions of a rule: all included, none excluded") {
    CHECK(rules_left(R"("includes":{"caps":["CAP_A"]})") == 0);
    CHECK(rules_left(R"("includes":{"caps":["CAP_A"]})", {"CAP_A"}) == 1);
    CHECK(rules_left(R"("includes":{"caps":["CAP_A","CAP_B"]})", {"CAP_A"}) == 0);
    CHECK(rules_left(R"("excludes":{"caps":["CAP_A","CAP_B"]})", {"CAP_B"}) == 0);
    CHECK(rules_left(R"("excludes":{"caps":["CAP_A"]})", {"CAP_B"}) == 1);
    CHECK(rules_left(R"("includes":{"arches":["no-such-arch"]})") == 0);
    CHECK(rules_left(R"("includes":{"minKernel":"3.0"})") == 1);
    CHECK(rules_left(R"("includes":{"minKernel":"999.0"})") == 0);
    CHECK(rules_left(R"("excludes":{"minKernel":"3.0"})") == 0);
    CHECK(rules_left(R"("args":null,"includes":{},"excludes":{})") == 1);
}

TEST_CASE("architectures come from the list, or from archMap for this machine") {
    const auto mapped = resolve_profile(default_profile_json(), {}, "default");
#if defined(__x86_64__)
    CHECK(mapped.architectures == std::vector<std::string>{"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"});
#endif
    CHECK_THROWS_AS(resolve_profile(R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],
        "archMap":[{"architecture":"SCMP_ARCH_X86_64"}]})",
                                    {}, "x"),
                    Error);
}

TEST_CASE(
    "a user's profile: several conditions on one argument are alternatives, errno and order of "
    "actions hold") {
    const Seccomp profile = resolve(R"({"names":["exit","exit_group","rt_sigreturn"],"action":"SCMP_ACT_ALLOW"},
        {"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":97,"args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"},
        {"index":0,"value":2,"op":"SCMP_CMP_EQ"}]},{"names":["no_such_call_at_all"],"action":"SCMP_ACT_ALLOW"})");
    const SeccompProgram program = compile(profile);
    CHECK(errno_under(program, SYS_socket, 1) == 97);
    CHECK(errno_under(program, SYS_socket, 2) == 97);
    CHECK(errno_under(program, SYS_socket, 3) == EPERM);
    CHECK(errno_under(program, SYS_getpid) == EPERM);
    CHECK(errno_under(program, 900) == ENOSYS);
}

TEST_CASE("an allow-by-default profile is left as it is, but can name new calls") {
    const SeccompProgram program = compile(resolve_profile(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["fchmodat2","mkdir"],"action":"SCMP_ACT_ERRNO"}]})",
                                                           {}, "deny.json"));
    CHECK(errno_under(program, 452) == EPERM);
    CHECK(errno_under(program, SYS_mkdir) == EPERM);
    CHECK(errno_under(program, SYS_getpid) == 0);
}

TEST_CASE("a bad profile says what is wrong with it") {
    CHECK(message_of([] { compile(resolve(R"({"names":["read"],"action":"SCMP_ACT_ALOW"})")); }) ==
          "seccomp: unknown action 'SCMP_ACT_ALOW'");
    CHECK(message_of([] {
              compile(
                  resolve(R"({"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":1,"op":"EQ"}]})"));
          }) == "seccomp: unknown comparison 'EQ'");
    CHECK(message_of([] {
              compile(resolve(
                  R"({"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":6,"value":1,"op":"SCMP_CMP_EQ"}]})"));
          }) == "seccomp: a system call has no argument 6");
    CHECK(message_of([] {
              compile({.default_action = "SCMP_ACT_ALLOW",
                       .default_errno_ret = {},
                       .architectures = {"SCMP_ARCH_Z80"},
                       .flags = {},
                       .syscalls = {}});
          }) == "seccomp: unknown architecture 'SCMP_ARCH_Z80'");
    CHECK(message_of([] { resolve_profile("{", {}, "p.json"); }).starts_with("p.json: "));
    CHECK(message_of([] { resolve(R"({"name":"read","names":["write"],"action":"SCMP_ACT_ALLOW"})"); }) ==
          "test.json: a rule has both name 'read' and names");
    CHECK(message_of([] { rules_left(R"("includes":{"minKernel":"four"})"); }) ==
          "test.json: minKernel 'four' is not of the form 4.8");
}

TEST_CASE(
    "a compiled program is kept, and compiled again when the file is damaged or anything else "
    "differs") {
    const TempDir folder;
    const Dir cache = Dir::open(folder.path());
    const SeccompProgram first = cached_program(cache, "", {"CAP_CHOWN"});
    CHECK(cache.names().size() == 1);
    CHECK(cached_program(cache, "", {"CAP_CHOWN"}) == first);
    CHECK(cache.names().size() == 1);

    const std::string name = cache.names().at(0);
    std::string bytes = read_file(cache, name, 1u << 20);
    for (const std::size_t at : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
        CAPTURE(at);
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
        write_atomically(cache, name, damaged, Durability::volatile_);
        CHECK(cached_program(cache, "", {"CAP_CHOWN"}) == first);
        CHECK(read_file(cache, name, 1u << 20) == bytes);
    }
    for (const std::string& damaged :
         {std::string(), bytes.substr(0, 8), bytes.substr(0, bytes.size() - 8), bytes + "12345678"}) {
        write_atomically(cache, name, damaged, Durability::volatile_);
        CHECK(cached_program(cache, "", {"CAP_CHOWN"}) == first);
    }
    cached_program(cache, "", {"CAP_SYS_ADMIN"});
    CHECK(cache.names().size() == 2);
    const SeccompProgram own = cached_program(cache, R"({"defaultAction":"SCMP_ACT_ALLOW"})", {});
    CHECK(cache.names().size() == 3);
    CHECK(own != first);
}

TEST_CASE("the hash of the built-in profile is that of its text") {
    CHECK(default_profile_hash().size() == 64);
    CHECK(default_profile_json().starts_with("{"));
}
