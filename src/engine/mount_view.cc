// SPDX-License-Identifier: Apache-2.0
// Showing files of containers and images to a command of the host.
#include "engine/mount_view.hh"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.hh"
#include "base/signals.hh"
#include "engine/container_root.hh"
#include "oci/run/mount_api.hh"

namespace kist::engine {

namespace {

/// The keyboard's signals are the command's while it runs.
class LeftToTheCommand {
public:
    LeftToTheCommand() {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGINT, &ignore, &interrupt_);
        ::sigaction(SIGQUIT, &ignore, &quit_);
    }
    LeftToTheCommand(const LeftToTheCommand&) = delete;
    LeftToTheCommand& operator=(const LeftToTheCommand&) = delete;
    ~LeftToTheCommand() {
        ::sigaction(SIGINT, &interrupt_, nullptr);
        ::sigaction(SIGQUIT, &quit_, nullptr);
    }

private:
    struct sigaction interrupt_ {
    }, quit_{};
};

std::vector<std::string> environment(const std::string& path) {
    std::vector<std::string> env;
    for (char** entry = environ; *entry != nullptr; ++entry)
        if (!std::string_view(*entry).starts_with("KIST_MOUNT=")) env.emplace_back(*entry);
    env.push_back("KIST_MOUNT=" + path);
    return env;
}

/// As a shell looks for it: in PATH unless it has a slash.
std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    const char* path = std::getenv("PATH");
    std::string_view rest = path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin";
    while (!rest.empty()) {
        const std::string candidate = std::string(rest.substr(0, rest.find(':'))) + "/" + name;
        if (candidate.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
        rest.remove_prefix(std::min(rest.size(), rest.find(':')));
        if (!rest.empty()) rest.remove_prefix(1);
    }
    throw Error("'{}' is not in PATH", name).with_exit_code(ExitCode::not_found);
}

/// `mount` is attached nowhere, or in our own namespace.
int run_at(Engine& engine, const std::string& name, const Fd& mount, const std::vector<std::string>& command) {
    Spawn what;
    what.argv = command;
    if (what.argv.empty()) what.argv = {std::getenv("SHELL") != nullptr ? std::getenv("SHELL") : "/bin/sh"};
    what.argv.front() = find_program(what.argv.front());
    const Dir place = engine.store().run().create_dir("mounts").create_dir(name);
    const Fd target{::open(place.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)}; // as our namespace has it
    if (!target) throw SysError("opening folder '{}'", place.path());
    oci::attach_mount(mount, target);
    what.env = environment(place.path());
    what.cwd = place.path();
    const LeftToTheCommand signals;
    try {
        return spawn(what).wait().code();
    } catch (SysError& error) {
        error.with_exit_code(error.code == ENOENT ? ExitCode::not_found : ExitCode::not_executable);
        throw;
    }
}

} // namespace

int run_with_container(Engine& engine, const ContainerId& id, const std::vector<std::string>& command) {
    // It is locked while it is mounted and does not run; of a running one we have a copy of its mounts.
    const ContainerRoot root(engine, id, ContainerRoot::Show::all_mounts, ContainerRoot::Access::write);
    return run_at(engine, id.str(), root.mount_here(), command);
}

int run_with_image(Engine& engine, const storage::ImageRecord& image, const std::vector<std::string>& command) {
    const Fd mount = mount_layers(engine, image.top_layer);
    if (!mount) throw Error("the image has no layers to mount").with_exit_code(ExitCode::failure);
    return run_at(engine, image.id.substr(7), oci::clone_mount(mount, oci::Depth::one), command);
}

} // namespace kist::engine
