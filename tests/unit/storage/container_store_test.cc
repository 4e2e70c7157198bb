// SPDX-License-Identifier: Apache-2.0
// Container records: names, look-up, state as readers see it, and what a killed create or rm leaves.
#include "storage/container_store.hh"

#include <atomic>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/init_process.hh"

using namespace kist;
using namespace kist::storage;

namespace {

struct Fixture {
    TempDir temp;
    Store store = Store::open({temp.path() + "/root", temp.path() + "/run"});
    ContainerStore containers{store};

    ContainerConfig config(const std::string& name, bool auto_remove = false) {
        ContainerConfig c;
        c.id = containers.new_id().str();
        c.name = name;
        c.created = 1;
        c.auto_remove = auto_remove;
        return c;
    }
    ContainerId add(const std::string& name, bool auto_remove = false) {
        ContainerConfig c = config(name, auto_remove);
        auto lock = containers.create(c);
        return *ContainerId::parse(c.id);
    }
    Dir folder(const std::string& path) { return Dir::open(temp.path() + "/" + path); }
    std::size_t count(const std::string& path) { return folder(path).names().size(); }
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

template <typename Call>
std::string failure_of(Call call) {
    try {
        call();
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

void overwrite(const Dir& dir, const std::string& name, std::string_view text) {
    write_atomically(dir, name, text, Durability::volatile_);
}

} // namespace

TEST_CASE_METHOD(Fixture, "a created container is found by id, name and prefix, and reads as created") {
    ContainerId id = add("web");
    CHECK(containers.find(id.str()) == id);
    CHECK(containers.find("web") == id);
    CHECK(containers.find("/web") == id);
    CHECK(containers.find(id.str().substr(0, 3)) == id);
    CHECK(containers.find("id:" + id.short_id()) == id);
    CHECK(containers.find("name:web") == id);
    CHECK_FALSE(containers.find_if_exists("id:web"));
    CHECK_FALSE(containers.find_if_exists("name:" + id.short_id()));
    auto view = containers.view(id);
    REQUIRE(view);
    CHECK(view->damage == "");
    CHECK(view->config.name == "web");
    CHECK(view->state.status == Status::created);
    CHECK_FALSE(view->monitor_alive);
    CHECK(count("run/pending") == 0);
}

TEST_CASE_METHOD(Fixture, "a missing container is named in the error") {
    CHECK(failure_of([&] { containers.find("web"); }) == "No such container: web");
    CHECK_THROWS_AS(containers.find("../../etc"), NotFound);
    CHECK_THROWS_AS(containers.find(""), NotFound);
}

TEST_CASE_METHOD(Fixture, "a name can be taken once, and is free again after removal") {
    ContainerId first = add("web");
    CHECK_THROWS_AS(add("web"), NameInUse);
    try {
        add("web");
    } catch (const NameInUse& e) {
        CHECK(e.holder == first.str());
        CHECK(contains(e.what(), "\"web\" is already in use by container \"" + first.str()));
    }
    CHECK(count("root/containers") == 2); // the failed creates have left no folder
    containers.remove(first);
    CHECK_FALSE(containers.view(first));
    CHECK(count("root/containers") == 1);
    CHECK(count("run/containers") == 0);
    CHECK(count("run/pending") == 0);
    add("web");
}

TEST_CASE_METHOD(Fixture, "of many threads that want one name exactly one wins") {
    std::vector<std::thread> threads;
    std::atomic<int> won = 0, lost = 0;
    for (int i = 0; i < 16; ++i)
        threads.emplace_back([&] {
            try {
                add("one");
                ++won;
            } catch (const NameInUse&) {
                ++lost;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(won == 1);
    CHECK(lost == 15);
    CHECK(containers.ids().size() == 1);
}

TEST_CASE_METHOD(Fixture, "names that read as ids are refused") {
    ContainerId id = add("web");
    CHECK_THROWS_AS(add(id.short_id()), Error);
    CHECK_THROWS_AS(add(id.str().substr(0, 20)), Error);
    CHECK_THROWS_AS(add(std::string(64, 'a')), UsageError);
    CHECK_THROWS_AS(add("-x"), UsageError);
    CHECK_THROWS_AS(add("a b"), UsageError);
    CHECK_NOTHROW(add(id.str().substr(0, 11)));
    // An exact name goes before an id prefix (SEEDS A020).
    CHECK(containers.find(id.str().substr(0, 11)) != id);
}

TEST_CASE_METHOD(Fixture, "an ambiguous prefix lists the candidates") {
    std::vector<ContainerId> ids;
    for (int i = 0; i < 17; ++i) ids.push_back(add("c" + std::to_string(i)));
    int ambiguous = 0;
    for (char c : std::string_view("0123456789abcdef")) {
        try {
            containers.find_if_exists("id:" + std::string(1, c));
        } catch (const Error& e) {
            ++ambiguous;
            CHECK(contains(e.what(), "is ambiguous"));
        }
    }
    CHECK(ambiguous > 0); // 17 ids, 16 digits
}

TEST_CASE_METHOD(Fixture, "an auto-remove container keeps its record in the run folder") {
    ContainerId id = add("job", true);
    CHECK(folder("run/containers/" + id.str()).exists("config.json"));
    CHECK_FALSE(folder("root/containers/" + id.str()).exists("config.json"));
    CHECK(containers.find("job") == id);
    containers.remove(id);
    CHECK_FALSE(containers.find_if_exists("job"));
    CHECK(count("root/containers") == 1);
}

TEST_CASE_METHOD(Fixture, "what a killed create has left does not block the name") {
    std::string dead = containers.new_id().str();
    folder("root/containers").make_dir(dead);
    REQUIRE(symlinkat(dead.c_str(), folder("root/containers/names").fd().get(), "web") == 0);
    CHECK_FALSE(containers.find_if_exists("web"));
    CHECK_FALSE(containers.find_if_exists(dead));
    ContainerId id = add("web");
    CHECK(containers.find("web") == id);
    CHECK(containers.ids().size() == 1);
}

TEST_CASE_METHOD(Fixture, "a name whose folder is lost does not block") {
    std::string dead = containers.new_id().str();
    REQUIRE(symlinkat(dead.c_str(), folder("root/containers/names").fd().get(), "web") == 0);
    CHECK_NOTHROW(add("web"));
    CHECK(containers.ids().size() == 1);
}

TEST_CASE_METHOD(Fixture, "a quick sweep finishes what is pending and nothing else") {
    containers.sweep(ContainerStore::Sweep::quick); // the first of a boot looks at everything
    std::string dead = containers.new_id().str(), unmarked = containers.new_id().str();
    folder("root/containers").make_dir(dead);
    folder("root/containers").make_dir(unmarked);
    overwrite(folder("run/pending"), dead, "");
    CHECK(containers.sweep(ContainerStore::Sweep::quick) == std::vector<std::string>{dead});
    CHECK(containers.sweep(ContainerStore::Sweep::quick).empty());
    CHECK(containers.sweep(ContainerStore::Sweep::full) == std::vector<std::string>{unmarked});
    CHECK(count("root/containers") == 1);
}

TEST_CASE_METHOD(Fixture, "a sweep leaves a create that is under way alone") {
    std::string id = containers.new_id().str();
    folder("root/containers").make_dir(id);
    overwrite(folder("run/pending"), id, "");
    auto lock = FileLock::acquire(folder("root/containers/" + id), "lock");
    CHECK(containers.sweep(ContainerStore::Sweep::full).empty());
    CHECK(folder("root/containers").exists(id));
}

TEST_CASE_METHOD(Fixture, "an interrupted removal is listed as removing and finished by a sweep") {
    ContainerId id = add("web");
    ContainerState state;
    state.boot_id = current_boot_id();
    state.status = Status::removing;
    containers.write_state(id, state);
    overwrite(folder("run/pending"), id.str(), "");
    CHECK(containers.view(id)->state.status == Status::removing);
    CHECK(containers.sweep(ContainerStore::Sweep::quick) == std::vector<std::string>{id.str()});
    CHECK_FALSE(containers.view(id));
    CHECK(count("root/containers/names") == 0);
}

TEST_CASE_METHOD(Fixture, "a removed folder is not brought back by who waits for its lock") {
    ContainerId id = add("web");
    auto lock = containers.lock(id);
    containers.remove(id);
    CHECK_THROWS_AS(containers.lock(id), NotFound);
    CHECK(count("root/containers") == 1);
}

TEST_CASE_METHOD(Fixture, "a running record of a dead process reads as exited") {
    ContainerId id = add("web");
    ContainerState state;
    state.boot_id = current_boot_id();
    state.status = Status::running;
    state.pid = getpid();
    state.pid_start_time = *process_start_time(getpid());
    containers.write_state(id, state);
    auto alive = containers.view(id);
    CHECK(alive->state.status == Status::running);
    CHECK(alive->is_orphan);
    state.pid_start_time += 1; // the pid was used again
    containers.write_state(id, state);
    auto dead = containers.view(id);
    CHECK(dead->state.status == Status::exited);
    CHECK(dead->state.pid == 0);
    CHECK(contains(dead->state.error, "its monitor was killed"));
}

TEST_CASE_METHOD(Fixture, "while the monitor's lock is held the record is believed") {
    ContainerId id = add("web");
    auto lock = FileLock::acquire(containers.run_dir(id), "monitor.lock");
    ContainerState state;
    state.boot_id = current_boot_id();
    state.status = Status::paused;
    containers.write_state(id, state);
    auto view = containers.view(id);
    CHECK(view->state.status == Status::paused);
    CHECK(view->monitor_alive);
    CHECK_FALSE(view->is_orphan);
}

TEST_CASE_METHOD(Fixture, "after a reboot a container that ran reads as exited with the reason") {
    ContainerId id = add("web");
    ContainerConfig config = containers.view(id)->config;
    ContainerState started;
    started.boot_id = "of another boot";
    started.status = Status::running;
    started.started_at = 5;
    containers.write_started(config, started);
    auto view = containers.view(id);
    CHECK(view->state.status == Status::exited);
    CHECK(contains(view->state.error, "the host was restarted"));
    // An exit that was recorded later wins, without state.json too.
    ExitRecord exit = started;
    exit.status = Status::exited;
    exit.exit_code = 3;
    containers.write_exit(config, exit);
    folder("run/containers").remove_tree(id.str());
    CHECK(containers.view(id)->state.exit_code == 3);
    CHECK(containers.view(id)->state.error == "");
}

TEST_CASE_METHOD(Fixture, "a damaged record is listed by its name with the reason, and can be removed") {
    ContainerId id = add("web"), other = add("other");
    Dir dir = folder("root/containers/" + id.str());
    std::string text = read_file(dir, "config.json", 1 << 20);
    for (const std::string& bad : {std::string(), text.substr(0, text.size() / 2), std::string("{}"), text + "x"}) {
        overwrite(dir, "config.json", bad);
        auto view = containers.view(id);
        REQUIRE(view);
        CHECK(view->damage != "");
        CHECK(view->config.id == id.str());
        CHECK(view->config.name == "web");
    }
    text[text.find("web") + 1] ^= 1;
    overwrite(dir, "config.json", text);
    CHECK(contains(containers.view(id)->damage, "checksum"));
    CHECK(containers.all().size() == 2);
    CHECK_THROWS_AS(add("web"), NameInUse);
    containers.remove(id);
    CHECK(containers.all().size() == 1);
    CHECK_NOTHROW(add("web"));
}

TEST_CASE_METHOD(Fixture, "rename moves the name") {
    ContainerId id = add("web");
    add("taken");
    ContainerConfig config = containers.view(id)->config;
    CHECK_THROWS_AS(containers.rename(config, "taken"), NameInUse);
    CHECK_THROWS_AS(containers.rename(config, "web"), Error);
    containers.rename(config, "shop");
    CHECK(containers.find("shop") == id);
    CHECK_FALSE(containers.find_if_exists("web"));
    CHECK(containers.view(id)->config.name == "shop");
}

TEST_CASE_METHOD(Fixture, "the old name of a rename that was killed is free") {
    ContainerId id = add("web");
    REQUIRE(symlinkat(id.str().c_str(), folder("root/containers/names").fd().get(), "old") == 0);
    ContainerId next = add("old");
    CHECK(containers.find("old") == next);
    CHECK(containers.find("web") == id);
}

TEST_CASE("a zombie's exit code is read before anybody reaps it") {
    pid_t child = fork();
    if (child == 0) _exit(7);
    siginfo_t info{};
    REQUIRE(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
    auto start = process_start_time(child);
    REQUIRE(start);
    InitLook look = look_at_init(child, *start);
    CHECK(look.kind == InitLook::Kind::zombie);
    REQUIRE(look.status);
    if (geteuid() == 0) CHECK(look.status->code() == 7);
    waitpid(child, nullptr, 0);
    CHECK(look_at_init(child, *start).kind == InitLook::Kind::gone);
}
