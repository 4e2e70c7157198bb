// SPDX-License-Identifier: Apache-2.0
#include "oci/run/sealed_program.hh"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/process.hh"
#include "oci/run/mount_api.hh"

namespace kist::oci {

Fd open_sealed_program(const std::string& path) {
    Fd program = clone_host_mount(path, Depth::one);
    change_mount(program, {.set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE}, Depth::one);
    return program;
}

bool runs_sealed() {
    struct statvfs facts {};
    if (::statvfs("/proc/self/exe", &facts) < 0) throw SysError("reading the mount of '/proc/self/exe'");
    return (facts.f_flag & ST_RDONLY) != 0;
}

void run_sealed(const std::vector<std::string>& argv) {
    if (runs_sealed()) return;
    std::string path = own_program();
    const Fd program = open_sealed_program(path);
    struct statvfs facts {};
    if (::fstatvfs(program.get(), &facts) < 0 || (facts.f_flag & ST_RDONLY) == 0)
        // and not once more
        throw Error("protecting '{}' from the container: it cannot be mounted read-only", path);
    std::vector<char*> words{path.data()};
    for (std::size_t i = 1; i < argv.size(); ++i) words.push_back(const_cast<char*>(argv[i].c_str()));
    words.push_back(nullptr);
    ::syscall(SYS_execveat, program.get(), "", words.data(), environ, AT_EMPTY_PATH);
    throw SysError("executing '{}'", path);
}

} // namespace kist::oci
