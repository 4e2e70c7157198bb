// SPDX-License-Identifier: Apache-2.0
// Filters and the words of ps, on views made by hand.
#include <catch2/catch_test_macros.hpp>

#include "base/time.hh"
#include "engine/containers.hh"
#include "engine/describe.hh"
#include "fixture.hh"

using namespace kist;
using namespace kist::engine;
using namespace kist::engine::test;

namespace {

struct Views {
    Engine engine{HostConfig{}};
    storage::ContainerView view;
    Views() {
        view.config.id = std::string(64, 'c');
        view.config.name = "web";
        view.config.command = {"sleep", "10"};
        view.config.labels = {{"deployer", "Paul"}};
        view.config.exposed_ports = {"80/tcp"};
        view.config.created = 1000;
        view.state.status = storage::Status::exited;
        view.state.exit_code = 3;
    }
    bool fits(const std::vector<std::string>& filters) { return ContainerFilter::parse(engine, filters).matches(view); }
    std::string failure(const std::string& filter) {
        return failure_of([&] { ContainerFilter::parse(engine, {filter}); });
    }
};

} // namespace

TEST_CASE_METHOD(Views, "each filter finds what it names") {
    for (const char* good :
         {"id=ccc", "name=we", "name=^/web$", "name=^web$", "label=deployer", "label=deployer=Paul", "label!=x",
          "exited=3", "status=exited", "expose=80", "command=sleep", "network=none", "until=1h"}) {
        INFO(good);
        CHECK(fits({good}));
    }
    for (const char* other : {"id=d", "name=^eb", "label=x", "label=deployer=Pat", "label!=deployer", "exited=0",
                              "status=running", "expose=81", "command=true", "network=host", "volume=/x"}) {
        INFO(other);
        CHECK_FALSE(fits({other}));
    }
}

TEST_CASE_METHOD(Views, "filters of one key are alternatives, of several keys all hold, labels all hold") {
    CHECK(fits({"name=nope", "name=web"}));
    CHECK_FALSE(fits({"name=web", "status=running"}));
    CHECK_FALSE(fits({"label=deployer", "label=x"}));
    CHECK(fits({}));
}

TEST_CASE_METHOD(Views, "bad filters are named with the nearest good one") {
    CHECK(contains(failure("nam=web"), "did you mean 'name'"));
    CHECK(contains(failure("name"), "it is KEY=VALUE"));
    CHECK(contains(failure("name=["), "not a regular expression"));
    CHECK(contains(failure("status=up"), "invalid filter 'status=up'"));
    CHECK(contains(failure("exited=x"), "it is an exit code"));
}

TEST_CASE_METHOD(Views, "status texts are Docker's") {
    view.state.finished_at = Moment::now().ns - 3'000'000'000;
    CHECK(status_text(view) == "Exited (3) 3 seconds ago");
    view.state.status = storage::Status::running;
    view.state.started_at = Moment::now().ns - 65'000'000'000;
    CHECK(status_text(view) == "Up About a minute");
    view.state.status = storage::Status::paused;
    CHECK(status_text(view) == "Up About a minute (Paused)");
    view.state.status = storage::Status::created;
    CHECK(status_text(view) == "Created");
    view.state.status = storage::Status::removing;
    CHECK(status_text(view) == "Removal In Progress");
    view.state.status = storage::Status::stopping;
    CHECK(state_word(view) == "running");
    view.damage = "bits";
    CHECK(state_word(view) == "corrupt");
}
