// SPDX-License-Identifier: Apache-2.0
#include "oci/run/hooks.hh"

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

constexpr std::size_t most_output = 4096;

/// Where an open file really lies.
std::string path_of(const Fd& file) {
    std::array<char, PATH_MAX> buffer;
    const ssize_t length =
        ::readlink(fmt::format("/proc/self/fd/{}", file.get()).c_str(), buffer.data(), buffer.size());
    if (length < 0) throw SysError("finding out where a file lies");
    return {buffer.data(), static_cast<std::size_t>(length)};
}

void check_place(std::string_view name, const Hook& hook, const std::string& real, const std::string& allowed_folder) {
    const Fd folder{::open(allowed_folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (folder && real.starts_with(path_of(folder) + "/")) return;
    Error error("hook {} '{}': it does not lie below '{}'", name, hook.path, allowed_folder);
    if (real != hook.path) error.with_hint("links are followed: it is '" + real + "'");
    throw error;
}

struct Program {
    Fd file;
    std::string path; ///< links resolved, where it matters where it lies
};

Program open_program(std::string_view name, const Hook& hook, const std::string& allowed_folder) {
    if (!hook.path.starts_with('/')) throw Error("hook {} '{}': its path is not absolute", name, hook.path);
    Program program{Fd{::open(hook.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)}, {}};
    if (!program.file) throw SysError("hook {} '{}'", name, hook.path);
    program.path = hook.path;
    if (!allowed_folder.empty()) {
        program.path = path_of(program.file);
        check_place(name, hook, program.path, allowed_folder);
    }
    struct stat facts {};
    if (::fstat(program.file.get(), &facts) != 0) throw SysError("hook {} '{}'", name, hook.path);
    constexpr mode_t any_execute = 0111;
    if (!S_ISREG(facts.st_mode)) throw Error("hook {} '{}': it is no file", name, hook.path);
    if ((facts.st_mode & any_execute) == 0) throw Error("hook {} '{}': it is not executable", name, hook.path);
    return program;
}

/// A script's interpreter opens the script again, by a name that must not be a descriptor that is closed by then; and $0 should
/// be what the author expects.
bool is_script(const Fd& file) {
    char begin[2] = {};
    return ::pread(file.get(), begin, sizeof begin, 0) == 2 && begin[0] == '#' && begin[1] == '!';
}

/// Not a pipe: nobody has to feed it, and it may be longer than a pipe holds.
Fd readable_copy(const std::string& text) {
    Fd file{::memfd_create("hook-state", MFD_CLOEXEC)};
    if (!file) throw SysError("making a hook's standard input");
    write_full(file, text, "a hook's standard input");
    if (::lseek(file.get(), 0, SEEK_SET) < 0) throw SysError("making a hook's standard input");
    return file;
}

} // namespace

std::string HookResult::message() const {
    std::string text = "hook " + name + ": ";
    if (timed_out)
        text += fmt::format("it took longer than {} s and was killed",
                            std::chrono::duration_cast<std::chrono::seconds>(duration).count());
    else if (exit_code >= 0) text += fmt::format("exit code {}", exit_code);
    const std::string_view said = trim(output);
    if (said.empty()) return text;
    if (exit_code < 0) return std::string(said);
    return text + ": " + std::string(said);
}

std::string hook_state(const HookContext& context, std::string_view status, pid_t pid) {
    Value state = Value::object();
    state.set("ociVersion", context.oci_version);
    state.set("id", context.id);
    state.set("status", status);
    if (pid > 0) state.set("pid", pid);
    state.set("bundle", context.bundle);
    Value annotations = Value::object();
    for (const auto& [key, value] : context.annotations) annotations.set(key, value);
    if (!context.annotations.empty()) state.set("annotations", std::move(annotations));
    return json::dump(state);
}

void check_hook(std::string_view name, const Hook& hook, const std::string& allowed_folder) {
    open_program(name, hook, allowed_folder);
}

RunningHook::RunningHook(std::string_view kind, std::size_t index, const Hook& hook, const HookContext& context,
                         const std::string& state)
    : begin_(std::chrono::steady_clock::now()) {
    const std::string place = fmt::format("{}[{}]", kind, index);
    result_.name = fmt::format("{} '{}'", place, hook.path);
    limit_ = std::chrono::seconds(hook.timeout.value_or(0));
    if (context.limit.count() > 0) limit_ = limit_.count() > 0 ? std::min(limit_, context.limit) : context.limit;
    if (context.begins) context.begins(result_.name);
    try {
        const Program program = open_program(place, hook, context.allowed_folder);
        const Fd input = readable_copy(state);
        const Fd nothing = open_null();
        Pipe errors = make_pipe();
        Spawn spawn;
        spawn.argv = hook.args.empty() ? std::vector{hook.path} : hook.args;
        spawn.env = hook.env;
        spawn.env.insert(spawn.env.end(), context.extra_env.begin(), context.extra_env.end());
        spawn.fds = {{input.get(), 0}, {nothing.get(), 1}, {errors.write.get(), 2}};
        spawn.new_session = true;
        spawn.cwd = "/";
        if (is_script(program.file)) spawn.path = program.path;
        else spawn.program = program.file.get();
        child_ = ::kist::spawn(spawn);
        output_ = std::move(errors.read);
        ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    } catch (const Error& error) {
        result_.exit_code = -1;
        result_.output =
            error.message().starts_with("hook ") ? error.message() : "hook " + result_.name + ": " + error.message();
    }
}

RunningHook::~RunningHook() {
    if (child_.pid() > 0) ::kill(-child_.pid(), SIGKILL);
}

bool RunningHook::take() {
    char buffer[4096];
    for (;;) {
        const ssize_t n = ::read(output_.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN;
        if (n == 0) return false;
        const std::size_t room = most_output - std::min(most_output, result_.output.size());
        result_.output.append(buffer, std::min(room, static_cast<std::size_t>(n)));
    }
}

int RunningHook::milliseconds_left() const {
    if (limit_.count() == 0) return -1;
    const auto left = begin_ + limit_ - std::chrono::steady_clock::now();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count() + 1;
    return static_cast<int>(std::clamp<std::int64_t>(ms, 0, INT_MAX));
}

void RunningHook::expire() {
    result_.timed_out = true;
    ::kill(-child_.pid(), SIGKILL); // its whole session: it is not reaped yet, so the number is its own
}

HookResult RunningHook::finish() {
    if (started()) {
        const ExitStatus status = child_.wait();
        take();
        if (!result_.timed_out) result_.exit_code = status.code();
    }
    result_.duration = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin_);
    return std::move(result_);
}

namespace {

HookResult run_one(RunningHook hook) {
    bool open = true;
    while (hook.started()) {
        pollfd sources[2] = {{hook.pidfd().get(), POLLIN, 0}, {open ? hook.output().get() : -1, POLLIN, 0}};
        const int ready = ::poll(sources, 2, hook.milliseconds_left());
        if (ready < 0 && errno != EINTR) throw SysError("waiting for a hook");
        if (ready == 0) {
            hook.expire();
            break;
        }
        if (open && sources[1].revents != 0) open = hook.take();
        if (sources[0].revents != 0) break;
    }
    return hook.finish();
}

} // namespace

void run_hooks(std::string_view kind, const std::vector<Hook>& hooks, const HookContext& context,
               const std::string& state, Failure failure) {
    for (std::size_t i = 0; i < hooks.size(); ++i) {
        const HookResult result = run_one(RunningHook(kind, i, hooks[i], context, state));
        if (context.ended) context.ended(result);
        if (result.failed() && failure == Failure::stops) throw Error("{}", result.message());
    }
}

} // namespace kist::oci
