// SPDX-License-Identifier: Apache-2.0
// kist-oci run: create, start, wait, delete.
#include <thread>

#include "cli/output.hh"
#include "oci/run/notify_socket.hh"
#include "oci/run/sealed_program.hh"
#include "runtime/create_options.hh"
#include "runtime/foreground.hh"
#include "runtime/notify.hh"
#include "runtime/seccomp_listener.hh"

namespace kist::runtime::command {
namespace {

struct Run : CreateArguments {
    bool detach = false;
    bool keep = false;
};
constexpr auto options = cli::sorted(
    cli::concat(create_options<Run>(),
                std::to_array<cli::Option<Run>>({
                    {{"d,detach", "", "Return once the container runs; the caller supervises it"}, &Run::detach},
                    {{"keep", "", "Do not delete the container when it has ended"}, &Run::keep},
                })));

/// What a failed start leaves is removed at once: nobody else knows of the container yet.
void start_or_remove(const Store& store, Creation& made) {
    try {
        made.process.start(listener_handler(made.container, made.process.child().pidfd(), made.process.pid()));
    } catch (...) {
        (void)made.process.take(); // ends and reaps it
        runtime::remove(store, store.open(made.container.id()), Force::yes);
        throw;
    }
}

void tell_when_ready(const NotifyRelay& relay, const Fd& process, int pid) {
    try {
        relay.wait(process, pid);
    } catch (const Error& error) { // the container runs, whatever the service manager makes of it
        cli::complain("kist-oci: " + error.message() + "\n");
    }
}

int run_container(const Call& call) {
    Run given;
    const auto operands = parse_into(given, options, call);
    const CreateOptions wanted = to_create_options(given, operands.front(), cgroup_manager(call.globals));
    if (!given.detach && !given.console_socket.empty()) throw UsageError("--console-socket is for --detach");
    oci::run_sealed(call.argv);
    const Store store = call.store();
    Creation made = runtime::create(store, wanted, given.detach ? StartedBy::later : StartedBy::caller);
    if (given.detach) {
        (void)made.process.take().release();
        try {
            runtime::start(made.container);
        } catch (...) {
            runtime::remove(store, store.open(wanted.id), Force::yes);
            throw;
        }
        return 0;
    }
    const auto manager = oci::manager_socket();
    const auto relay = manager ? NotifyRelay::open(made.container.dir(), *manager) : std::nullopt;
    start_or_remove(store, made);
    run_poststart(made.container);
    // A thread, from here on harmless: nothing is cloned any more. It ends with the container at the latest.
    std::thread telling;
    const Fd process = made.process.child().pidfd().duplicate();
    if (relay) telling = std::thread([&, pid = made.process.pid()] { tell_when_ready(*relay, process, pid); });
    Fd terminal = std::move(made.process.terminal());
    const int code = wait_in_foreground(made.process.take(), std::move(terminal));
    if (telling.joinable()) telling.join();
    if (!given.keep) runtime::remove(store, store.open(wanted.id), Force::yes);
    return code;
}

} // namespace

const Command run{.name = "run",
                  .summary = "Create and start a container, wait for it and delete it",
                  .usage = "ID",
                  .options = cli::facts_of<options>,
                  .run = run_container};

} // namespace kist::runtime::command
