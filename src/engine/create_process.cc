// SPDX-License-Identifier: Apache-2.0
// What runs in the container: command, user, folder, terminal, how it is stopped.
#include <algorithm>

#include "base/in_root.hh"
#include "base/json.hh"
#include "base/signals.hh"
#include "base/text.hh"
#include "engine/create_parts.hh"
#include "engine/init_program.hh"

namespace kist::engine {

namespace {

/// --entrypoint as Docker takes it (one word) or as Podman also does (a JSON list of words).
std::vector<std::string> parse_entrypoint(const std::string& text) {
    if (text.empty()) return {};
    if (!text.starts_with('[')) return {text};
    return from_value<std::vector<std::string>>(json::parse(text, "--entrypoint"), "--entrypoint");
}

void interpret_command(const CreateInput& in, storage::ContainerConfig& config) {
    const auto& image = in.image.config.config;
    if (in.options.entrypoint) config.entrypoint = parse_entrypoint(*in.options.entrypoint);
    else config.entrypoint = image.entrypoint;
    // The image's CMD are arguments for the image's own entry point: another one does not get them.
    if (!in.options.command.empty()) config.command = in.options.command;
    else if (!in.options.entrypoint) config.command = image.cmd;
    if (config.entrypoint.empty() && config.command.empty())
        throw Error("no command specified: neither the command line nor image '{}' names one", in.options.image);
    const std::string& program = config.entrypoint.empty() ? config.command.front() : config.entrypoint.front();
    if (program.empty())
        throw Error("exec: \"\": executable file not found in $PATH").with_exit_code(ExitCode::not_found);
}

void interpret_stop(const CreateInput& in, storage::ContainerConfig& config) {
    if (!in.options.stop_signal.empty()) {
        auto signal = parse_signal(in.options.stop_signal);
        if (!signal) throw UsageError("invalid signal: {}", printable(in.options.stop_signal));
        config.stop_signal = signal_name(*signal);
    } else if (const std::string& text = in.image.config.config.stop_signal; !text.empty()) {
        if (auto signal = parse_signal(text)) config.stop_signal = signal_name(*signal);
        else
            in.warn(fmt::format("image '{}' names the unknown stop signal '{}': using SIGTERM", in.options.image,
                                printable(text)));
    }
    if (in.options.stop_timeout) config.stop_timeout = *in.options.stop_timeout;
}

void interpret_umask(const CreateInput& in, storage::ContainerConfig& config) {
    config.umask = umask_of(in.host.exec_opts);
    if (auto asked = umask_of(in.options.exec_opts)) config.umask = asked;
    if (in.options.umask.empty()) return;
    auto umask = parse_octal(in.options.umask, 0777);
    if (!umask) throw UsageError("invalid umask '{}': it is an octal number up to 0777", printable(in.options.umask));
    config.umask = *umask;
}

void interpret_attach(const CreateInput& in, storage::ContainerConfig& config) {
    for (const std::string& stream : in.options.attach) {
        std::string name = to_lower(stream);
        if (name != "stdin" && name != "stdout" && name != "stderr")
            throw UsageError("invalid stream '{}' for --attach: valid streams are stdin, stdout and stderr",
                             printable(stream));
        config.attach.push_back(name);
    }
    if (in.options.attach.empty() && !in.options.detach) {
        config.attach = {"stdout", "stderr"};
        if (in.options.interactive) config.attach.push_back("stdin");
    }
    // As Docker: input that belongs to one attached client ends with it.
    bool attaches_stdin = std::find(config.attach.begin(), config.attach.end(), "stdin") != config.attach.end();
    config.stdin_once = in.options.interactive && attaches_stdin;
}

void interpret_user(const CreateInput& in, storage::ContainerConfig& config) {
    config.user = in.options.user.empty() ? in.image.config.config.user : in.options.user;
    if (config.user.find_first_of(std::string_view("\n\0", 2)) != config.user.npos)
        throw UsageError("invalid user '{}'", printable(config.user));
    for (const std::string& group : in.options.group_add) {
        if (group.empty() || group.find_first_of(":,\n") != group.npos)
            throw UsageError("invalid group '{}' for --group-add", printable(group));
        config.group_add.push_back(group);
    }
}

} // namespace

void interpret_process(const CreateInput& in, storage::ContainerConfig& config) {
    const auto& image = in.image.config.config;
    interpret_command(in, config);
    config.env = merge_env(image.env, in.options.env_files, in.options.env);
    interpret_user(in, config);
    config.working_dir = !in.options.workdir.empty() ? in.options.workdir : image.working_dir;
    if (config.working_dir.empty()) config.working_dir.assign(1, '/');
    if (!config.working_dir.starts_with('/'))
        throw UsageError("the working directory '{}' is invalid, it needs to be an absolute path",
                         printable(config.working_dir));
    config.working_dir = clean_path(config.working_dir);
    config.tty = in.options.tty;
    config.open_stdin = in.options.interactive;
    interpret_attach(in, config);
    interpret_stop(in, config);
    interpret_umask(in, config);
    config.init = in.options.init || in.host.init;
    if (config.init) find_init_program(in.host); // throws when there is none
    config.auto_remove = in.options.rm;
}

} // namespace kist::engine
