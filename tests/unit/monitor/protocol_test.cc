// SPDX-License-Identifier: Apache-2.0
#include "monitor/protocol.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"

using namespace kist;
using namespace kist::monitor;

TEST_CASE("a job is read back as it was written") {
    Job job;
    job.id = std::string(64, 'a');
    job.data_root = "/var/lib/kist";
    job.run_root = "/run/kist";
    job.cgroup_path = "/kist/x";
    job.spec.process.emplace();
    job.spec.process->args = {"sh", "-c", "echo \"hi\"\n"};
    job.user = "web:web";
    job.log.max_size = -1;
    job.stdin_once = true;
    CHECK(parse_job(dump_job(job), "monitor.json") == job);
}

TEST_CASE("a job of a newer kist is refused, unknown fields are not") {
    Job job;
    job.id = "x";
    std::string text = dump_job(job);
    CHECK_NOTHROW(parse_job("{\"news\":1," + text.substr(1), "monitor.json"));
    job.schema = 2;
    CHECK_THROWS_AS(parse_job(dump_job(job), "monitor.json"), Error);
    CHECK_THROWS_AS(parse_job("{}", "monitor.json"), Error);
}

TEST_CASE("packets have their type in front") {
    CHECK(make_packet(Packet::ping) == "P");
    CHECK(make_packet(Packet::stdout_data, "text") == "otext");
    CHECK_FALSE(parse_packet(""));
    CHECK(parse_packet("s15")->type == Packet::signal);
    CHECK(parse_packet("s15")->payload == "15");
}

TEST_CASE("window sizes are two numbers in range") {
    CHECK(parse_resize(format_resize({24, 80})) == WindowSize{24, 80});
    for (const char* bad : {"", "24", "24 ", "24 80 1", "-1 80", "24 70000", "a b"}) CHECK_FALSE(parse_resize(bad));
}

TEST_CASE("stop requests carry time, signal and purpose") {
    using P = StopPurpose;
    for (const StopRequest& request : {StopRequest{10, 0, P::stop}, StopRequest{-1, 2, P::shutdown},
                                       StopRequest{0, 15, P::restart}, StopRequest{0, 0, P::cancel}})
        CHECK(parse_stop(format_stop(request)) == request);
    CHECK(parse_stop("5") == StopRequest{5, 0, P::stop});
    // as monitors before restart policies were asked
    CHECK(parse_stop("5 0 keep") == StopRequest{5, 0, P::restart});
    for (const char* bad : {"", "x", "1 x", "1 99", "1 2 other", "1 2 keep more"}) CHECK_FALSE(parse_stop(bad));
}

TEST_CASE("an exit says whether the container will be started again") {
    CHECK(parse_exit(format_exit({3, false})) == Exit{3, false});
    CHECK(parse_exit(format_exit({137, true})) == Exit{137, true});
    CHECK(parse_exit("0") == Exit{0, false}); // of an older monitor
    CHECK(parse_exit("x") == Exit{255, false});
}

TEST_CASE("a failure keeps message, hint and exit code, and one line stays one line") {
    const Error error = Error("exec: 'x\ny': not found").with_hint("look again").with_exit_code(ExitCode::not_found);
    const Error back = parse_failure(format_failure(error));
    CHECK(back.message() == "exec: 'x y': not found");
    CHECK(back.hint() == "look again");
    CHECK(back.exit_code() == ExitCode::not_found);
    CHECK(parse_failure("").exit_code() == ExitCode::engine);
    CHECK(format_failure(Error("{}", std::string(1 << 20, 'x'))).size() < max_packet);
}
