// SPDX-License-Identifier: Apache-2.0
// inspect of a container: Docker's layout with Podman's extra fields. State, Config and mounts here; HostConfig in
// inspect_host_config.cc.
#include <algorithm>

#include "base/json.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/containers.hh"
#include "engine/create_parts.hh"
#include "engine/describe.hh"
#include "engine/exec_session.hh"
#include "engine/inspect_parts.hh"
#include "engine/log_options.hh"
#include "engine/spec_plan.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using storage::ContainerView;
using storage::Status;

std::string moment_text(std::int64_t ns) { return to_rfc3339({ns}); }

Value hooks_value(const storage::ContainerState& state) {
    Value list = Value::list();
    for (const storage::HookRecord& record : state.hooks) {
        Value hook = Value::object();
        hook.set("Name", record.name);
        hook.set("ExitCode", record.exit_code);
        hook.set("TimedOut", record.timed_out);
        hook.set("DurationMs", record.milliseconds);
        hook.set("Stderr", record.error);
        list.push(std::move(hook));
    }
    return list;
}

Value state_value(Engine& engine, const ContainerView& view) {
    const auto& state = view.state;
    Value value = Value::object();
    const bool restarting = state.status == Status::restarting;
    const bool running = is_running(state.status) || restarting; // as Docker
    value.set("Status", state_word(view));
    value.set("Running", running);
    value.set("Paused", state.status == Status::paused);
    value.set("Restarting", restarting);
    value.set("OOMKilled", state.oom_killed);
    value.set("Dead", state.status == Status::dead);
    value.set("Pid", state.pid);
    value.set("MonitorPid", state.monitor_pid);
    value.set("ConmonPid", state.monitor_pid);
    value.set("ExitCode", state.exit_code);
    value.set("Error", view.damage.empty() ? state.error : view.damage);
    value.set("StartedAt", moment_text(state.started_at));
    value.set("FinishedAt", moment_text(running && !restarting ? 0 : state.finished_at));
    if (restarting) value.set("NextStartAt", moment_text(state.next_start_at));
    value.set("CgroupPath", cgroup_path(view.config));
    value.set("Hooks", hooks_value(state));
    if (view.config.health) value.set("Health", health_value(engine, view));
    return value;
}

bool attaches(const ContainerConfig& config, std::string_view stream) {
    for (const std::string& name : config.attach)
        if (name == stream) return true;
    return false;
}

/// Docker's {"/data": {}}: what the image or a -v without a name asked for.
Value volumes_value(const ContainerConfig& config) {
    Value paths = Value::object();
    for (const storage::MountConfig& mount : config.mounts)
        if (mount.anonymous || mount.from_image) paths.set(mount.destination, Value::object());
    return paths.as_object().empty() ? Value() : std::move(paths);
}

Value config_section(const ContainerConfig& config) {
    Value value = Value::object();
    value.set("Hostname", config.hostname);
    value.set("Domainname", config.domainname);
    value.set("User", config.user);
    value.set("AttachStdin", attaches(config, "stdin"));
    value.set("AttachStdout", attaches(config, "stdout"));
    value.set("AttachStderr", attaches(config, "stderr"));
    Value ports = Value::object();
    for (const std::string& port : config.exposed_ports) ports.set(port, Value::object());
    value.set("ExposedPorts", std::move(ports));
    value.set("Tty", config.tty);
    value.set("OpenStdin", config.open_stdin);
    value.set("StdinOnce", config.stdin_once);
    value.set("Env", list_value(config.env));
    value.set("Cmd", config.command.empty() ? Value() : list_value(config.command));
    value.set("Image", config.image_name);
    value.set("Volumes", volumes_value(config));
    value.set("WorkingDir", config.working_dir);
    value.set("Entrypoint", config.entrypoint.empty() ? Value() : list_value(config.entrypoint));
    value.set("OnBuild", Value());
    value.set("Labels", map_value(config.labels));
    value.set("Annotations", map_value(config.annotations));
    if (config.health) {
        value.set("Healthcheck", healthcheck_value(*config.health));
        value.set("HealthcheckOnFailureAction", std::string(name_of(config.health->on_failure)));
        value.set("HealthMaxLogCount", config.health->max_log_count);
        value.set("HealthMaxLogSize", config.health->max_log_size);
        if (config.health->startup) value.set("StartupHealthCheck", startup_check_value(*config.health->startup));
    }
    value.set("StopSignal", config.stop_signal);
    value.set("StopTimeout", config.stop_timeout);
    value.set("sdNotifyMode", std::string(name_of(config.sdnotify)));
    value.set("CreateCommand", list_value(config.create_command));
    value.set("Umask", fmt::format("{:04o}", config.umask.value_or(default_umask)));
    value.set("Timeout", 0);
    return value;
}

std::string mount_source(Engine& engine, const storage::MountConfig& mount) {
    if (mount.type == "volume")
        return engine.volumes().data_path(mount.name) + (mount.subpath.empty() ? "" : "/" + mount.subpath);
    return mount.type == "image" ? mount.name : mount.source;
}

Value mount_value(Engine& engine, const storage::MountConfig& mount) {
    static const std::vector<std::string> propagations = {"private", "rprivate", "shared",
                                                          "rshared", "slave",    "rslave"};
    Value value = Value::object();
    value.set("Type", mount.type);
    if (mount.type == "volume") value.set("Name", mount.name);
    value.set("Source", mount_source(engine, mount));
    value.set("Destination", mount.destination);
    std::string propagation, mode;
    for (const std::string& option : mount.options) {
        bool spreads = std::find(propagations.begin(), propagations.end(), option) != propagations.end();
        if (spreads) propagation = option;
        if (option == "ro" || option == "rw") mode = option;
    }
    value.set("Driver", mount.type == "volume" ? "local" : "");
    value.set("Mode", mode);
    value.set("Options", list_value(option_words(mount)));
    value.set("RW", mount.read_write);
    value.set("Propagation", propagation);
    return value;
}

Value graph_driver(Engine& engine, const ContainerConfig& config) {
    Value value = Value::object(), data = Value::object();
    std::string folder = engine.store().paths().data_root + "/containers/" + config.id;
    if (engine.store().driver() == "overlay") {
        data.set("UpperDir", folder + "/upper");
        data.set("WorkDir", folder + "/work");
    }
    value.set("Name", engine.store().driver());
    value.set("Data", std::move(data));
    return value;
}

void add_paths(Engine& engine, Value& document, const ContainerView& view) {
    std::string run = engine.store().paths().run_root + "/containers/";
    std::string own = run + view.config.id, shared = own;
    const std::string& network = view.config.namespaces.network;
    if (network.starts_with("container:")) shared = run + network.substr(10);
    bool started = view.state.started_at != 0;
    document.set("ResolvConfPath", started ? shared + "/resolv.conf" : "");
    document.set("HostnamePath", started ? own + "/hostname" : "");
    document.set("HostsPath", started ? shared + "/hosts" : "");
    bool logs = has_log_file(view.config);
    std::string data = engine.store().paths().data_root + "/containers/" + view.config.id;
    document.set("LogPath", logs ? data + "/" + log_file_name(view.config) : "");
}

} // namespace

std::vector<std::string> option_words(const storage::MountConfig& mount) {
    std::vector<std::string> words;
    for (const std::string& word : mount.options) words.push_back(word == "kist.chown" ? "U" : word);
    if (mount.no_copy) words.emplace_back("nocopy");
    if (mount.is_overlay) words.emplace_back("O");
    return words;
}

Value list_value(const std::vector<std::string>& words) {
    Value list = Value::list();
    for (const std::string& word : words) list.push(word);
    return list;
}

Value map_value(const std::map<std::string, std::string>& pairs) {
    Value object = Value::object();
    for (const auto& [key, text] : pairs) object.set(key, text);
    return object;
}

Value inspect(Engine& engine, const ContainerView& view, bool size) {
    const ContainerConfig& config = view.config;
    auto args = process_args(config);
    Value document = Value::object();
    document.set("Id", config.id);
    document.set("Created", moment_text(config.created));
    document.set("Path", args.empty() ? "" : args.front());
    document.set("Args", list_value(args.empty() ? args : std::vector<std::string>(args.begin() + 1, args.end())));
    document.set("State", state_value(engine, view));
    document.set("CgroupPath", cgroup_path(config));
    document.set("Image", config.image_id);
    document.set("ImageName", config.image_name);
    add_paths(engine, document, view);
    document.set("Name", "/" + config.name);
    document.set("RestartCount", view.state.restart_count);
    document.set("Driver", engine.store().driver());
    document.set("Platform", "linux");
    document.set("MountLabel", "");
    document.set("ProcessLabel", "");
    document.set("AppArmorProfile", config.security.apparmor);
    document.set("EffectiveCaps", list_value(capabilities_of(config.security)));
    document.set("BoundingCaps", list_value(capabilities_of(config.security)));
    const auto sessions = exec_ids(engine, view);
    document.set("ExecIDs", sessions.empty() ? Value() : list_value(sessions));
    document.set("HostConfig", host_config_value(config));
    document.set("GraphDriver", graph_driver(engine, config));
    if (size) {
        DiskUse use = disk_use(engine, config);
        document.set("SizeRw", use.own);
        document.set("SizeRootFs", use.own + use.image);
    }
    Value mounts = Value::list();
    for (const storage::MountConfig& mount : config.mounts) mounts.push(mount_value(engine, mount));
    document.set("Mounts", std::move(mounts));
    document.set("Config", config_section(config));
    document.set("NetworkSettings", network_settings(engine, view));
    document.set("Rootfs", config.rootfs);
    document.set("Pod", "");
    document.set("Namespace", "");
    document.set("IsInfra", false);
    document.set("OCIRuntime", "kist");
    return document;
}

} // namespace kist::engine
