// SPDX-License-Identifier: Apache-2.0
#include "oci/run/program.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

/// 0 when `path` is something that may be executed, else the errno that execve(2) would give.
int executable_error(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) < 0) return errno;
    if (S_ISDIR(facts.st_mode)) return EISDIR;
    if (!S_ISREG(facts.st_mode)) return EACCES;
    return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

bool is_missing(int code) { return code == ENOENT || code == ENOTDIR; }

} // namespace

const std::string* find_env(const std::vector<std::string>& env, std::string_view name) {
    for (auto entry = env.rbegin(); entry != env.rend(); ++entry)
        if (entry->size() > name.size() && entry->starts_with(name) && (*entry)[name.size()] == '=') return &*entry;
    return nullptr;
}

std::string find_program(const std::string& name, const std::vector<std::string>& env) {
    if (name.empty()) throw Error("exec: the command is empty").with_exit_code(ExitCode::not_found);
    if (name.find('/') != std::string::npos) {
        if (const int code = executable_error(name); code != 0) throw_exec_failure(name, code);
        return name;
    }
    const std::string* entry = find_env(env, "PATH");
    const std::string path = entry != nullptr ? entry->substr(5) : std::string(default_path);
    int refused = 0;
    for (const std::string& folder : split(path, ':')) {
        const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
        const int code = executable_error(candidate);
        if (code == 0) return candidate;
        if (!is_missing(code) && refused == 0) refused = code;
    }
    if (refused != 0) throw_exec_failure(name, refused);
    throw Error("exec: '{}': executable file not found in $PATH", name).with_exit_code(ExitCode::not_found);
}

void throw_exec_failure(const std::string& name, int code) {
    SysError error(SysError::Code{code}, "exec: '{}'", name);
    error.with_exit_code(is_missing(code) ? ExitCode::not_found : ExitCode::not_executable);
    throw error;
}

} // namespace kist::oci
