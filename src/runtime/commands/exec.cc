// SPDX-License-Identifier: Apache-2.0
// kist-oci exec: a further process in a container.
#include <algorithm>

#include "base/error.hh"
#include "base/text.hh"
#include "oci/run/capabilities.hh"
#include "oci/run/sealed_program.hh"
#include "runtime/bundle.hh"
#include "runtime/command.hh"
#include "runtime/foreground.hh"
#include "runtime/operations.hh"

namespace kist::runtime::command {
namespace {

struct Exec {
    std::vector<std::string> additional_gids;
    std::string apparmor;
    std::vector<std::string> cap;
    std::string console_socket;
    std::string cwd;
    bool detach = false;
    std::vector<std::string> env;
    bool ignore_paused = false;
    bool no_new_privs = false;
    std::string pid_file;
    int preserve_fds = 0;
    std::string process;
    std::string process_label;
    bool tty = false;
    std::string user;
};
constexpr auto options = cli::sorted(std::to_array<cli::Option<Exec>>({
    {{"g,additional-gids", "NUMBER", "A further group of the process"}, &Exec::additional_gids},
    {{"apparmor", "NAME", "AppArmor profile of the process"}, &Exec::apparmor},
    {{"c,cap", "NAME", "A further capability of the process"}, &Exec::cap},
    {{"console-socket", "PATH", "Unix socket that receives the master of the terminal", cli::Completes::file},
     &Exec::console_socket},
    {{"cwd", "FOLDER", "Working directory in the container"}, &Exec::cwd},
    {{"d,detach", "", "Return once the process runs; the caller supervises it"}, &Exec::detach},
    {{"e,env", "NAME=VALUE", "A further environment variable"}, &Exec::env},
    {{"ignore-paused", "", "Enter a paused container too"}, &Exec::ignore_paused},
    {{"no-new-privs", "", "The process can gain no privileges"}, &Exec::no_new_privs},
    {{"pid-file", "FILE", "Write the process number here", cli::Completes::file}, &Exec::pid_file},
    {{"preserve-fds", "NUMBER", "Pass on so many descriptors after standard error"}, &Exec::preserve_fds},
    {{"p,process", "FILE", "The whole process as JSON, as in config.json", cli::Completes::file}, &Exec::process},
    {{"process-label", "LABEL", "SELinux label of the process"}, &Exec::process_label},
    {{"t,tty", "", "Give the process a terminal"}, &Exec::tty},
    {{"u,user", "UID[:GID]", "User of the process"}, &Exec::user},
}));

std::uint32_t parse_id(std::string_view option, const std::string& text) {
    const auto id = parse_unsigned(text, UINT32_MAX - 1);
    if (!id) throw UsageError("invalid value '{}' for {}: expected a number", printable(text), option);
    return static_cast<std::uint32_t>(*id);
}

void set_user(oci::User& user, const Exec& given) {
    if (!given.user.empty()) {
        const auto [uid, gid] = split_once(given.user, ':');
        user.uid = parse_id("--user", uid);
        user.gid = gid ? parse_id("--user", *gid) : 0;
        user.additional_gids.clear();
    }
    for (const std::string& gid : given.additional_gids)
        user.additional_gids.push_back(parse_id("--additional-gids", gid));
}

void add_capabilities(oci::Process& process, const Exec& given) {
    if (given.cap.empty()) return;
    oci::Capabilities& all = process.capabilities ? *process.capabilities : process.capabilities.emplace();
    for (const std::string& word : given.cap) {
        const auto name = oci::normalize_capability(word);
        if (!name || *name == "ALL") throw UsageError("unknown capability '{}'", printable(word));
        for (auto* set : {&all.bounding, &all.effective, &all.permitted})
            if (std::find(set->begin(), set->end(), *name) == set->end()) set->push_back(*name);
    }
}

/// The container's own process with another command.
oci::Process derived_process(const Container& container, const Exec& given, const std::vector<std::string>& command) {
    if (command.empty()) throw UsageError("a command or --process is needed");
    oci::Process process = container.record().spec.process.value();
    process.args = command;
    process.terminal = given.tty;
    process.console_size.reset();
    if (!given.cwd.empty()) process.cwd = given.cwd;
    for (const std::string& entry : given.env) process.env.push_back(entry);
    set_user(process.user, given);
    add_capabilities(process, given);
    if (given.no_new_privs) process.no_new_privileges = true;
    if (!given.apparmor.empty()) process.apparmor_profile = given.apparmor;
    if (!given.process_label.empty()) process.selinux_label = given.process_label;
    return process;
}

oci::Process process_of(const Container& container, const Exec& given, const std::vector<std::string>& command) {
    if (given.process.empty()) return derived_process(container, given, command);
    if (!command.empty()) throw UsageError("--process and a command exclude each other");
    oci::Process process = read_process(given.process);
    if (given.tty) process.terminal = true;
    return process;
}

int exec_process(const Call& call) {
    Exec given;
    const auto operands = parse_into(given, options, call);
    if (given.preserve_fds < 0 || given.preserve_fds > 1000)
        throw UsageError("invalid value '{}' for --preserve-fds: expected a number from 0 to 1000", given.preserve_fds);
    oci::run_sealed(call.argv);
    const Store store = call.store();
    const Container container = store.open(operands.front());
    const ExecOptions wanted{.process = process_of(container, given, {operands.begin() + 1, operands.end()}),
                             .console_socket = given.console_socket,
                             .pid_file = given.pid_file,
                             .preserve_fds = given.preserve_fds,
                             .detach = given.detach || !given.console_socket.empty(),
                             .ignore_paused = given.ignore_paused};
    oci::CreatedProcess process = runtime::exec(store, container, wanted);
    if (given.detach) {
        (void)process.take().release();
        return 0;
    }
    Fd terminal = given.console_socket.empty() ? std::move(process.terminal()) : Fd();
    return wait_in_foreground(process.take(), std::move(terminal));
}

} // namespace

const Command exec{.name = "exec",
                   .summary = "Run a further process in a container",
                   .usage = "ID [COMMAND [ARG...]]",
                   .operands = cli::operands::command,
                   .options = cli::facts_of<options>,
                   .run = exec_process};

} // namespace kist::runtime::command
