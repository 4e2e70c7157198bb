// SPDX-License-Identifier: Apache-2.0
// The grammar of options and the values they set.
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"
#include "cli/parse.hh"

using namespace kist;
using namespace kist::cli;

namespace {

struct Base {
    std::vector<std::string> env;
};
struct Sample : Base {
    bool interactive = false, tty = false, proxy = true;
    std::optional<bool> tmpfs;
    int last = -1;
    std::optional<int> timeout;
    std::optional<std::int64_t> pids;
    std::string name;
    std::optional<std::string> entrypoint;
    std::vector<std::string> ports;
};

constexpr auto options = sorted(std::to_array<Option<Sample>>({
    {{"e,env", "NAME=VALUE", ""}, &Sample::env},
    {{"entrypoint", "COMMAND", ""}, &Sample::entrypoint},
    {{"i,interactive", "", ""}, &Sample::interactive},
    {{"n,last", "NUMBER", ""}, &Sample::last},
    {{"name", "NAME", ""}, &Sample::name},
    {{"pids", "NUMBER", ""}, &Sample::pids},
    {{"p,port", "PORT", ""}, &Sample::ports},
    {{"sig-proxy", "", ""}, &Sample::proxy},
    {{"t,tty", "", ""}, &Sample::tty},
    {{"time,timeout", "SECONDS", ""}, &Sample::timeout},
    {{"tmpfs", "", ""}, &Sample::tmpfs},
}));

using Words = std::vector<std::string>;

struct Parsed : Sample {
    Words operands;
};
Parsed parse(const Words& args, const Operands& expected = operands::any) {
    Parsed result;
    Sample sample;
    result.operands = parse_arguments("kist sample", bind(sample, options), expected, args);
    static_cast<Sample&>(result) = sample;
    return result;
}

std::string failure(const Words& args, const Operands& expected = operands::any) {
    try {
        parse(args, expected);
    } catch (const UsageError& error) {
        return error.message() + (error.hint().empty() ? "" : "|" + error.hint());
    }
    return "no error";
}

} // namespace

TEST_CASE("nothing given leaves the defaults and the operands") {
    const Parsed p = parse({"a", "b"});
    CHECK(p.operands == Words{"a", "b"});
    CHECK(p.proxy);
    CHECK(p.last == -1);
    CHECK_FALSE(p.timeout.has_value());
    CHECK_FALSE(p.entrypoint.has_value());
}

TEST_CASE("letters may stand together, the last one with a value") {
    CHECK(parse({"-it"}).interactive);
    CHECK(parse({"-it"}).tty);
    CHECK(parse({"-itp80:80"}).ports == Words{"80:80"});
    CHECK(parse({"-itp", "80:80"}).ports == Words{"80:80"});
    CHECK(parse({"-p=80:80"}).ports == Words{"80:80"});
    CHECK(parse({"-eA=B=C"}).env == Words{"A=B=C"});
}

TEST_CASE("a switch can be set to false in every spelling") {
    CHECK_FALSE(parse({"-t=false"}).tty);
    CHECK_FALSE(parse({"-it=0"}).tty);
    CHECK(parse({"-it=0"}).interactive);
    CHECK_FALSE(parse({"--sig-proxy=f"}).proxy);
    CHECK_FALSE(parse({"--sig-proxy=FALSE"}).proxy);
    CHECK(parse({"--tmpfs=false"}).tmpfs == std::optional<bool>(false));
    CHECK(parse({"--tmpfs"}).tmpfs == std::optional<bool>(true));
}

TEST_CASE("a switch does not take the next word") {
    const Parsed p = parse({"--tty", "false"});
    CHECK(p.tty);
    CHECK(p.operands == Words{"false"});
}

TEST_CASE("values come after = or as the next word, whatever they look like") {
    CHECK(parse({"--name=x"}).name == "x");
    CHECK(parse({"--name", "x"}).name == "x");
    CHECK(parse({"--name", "--tty"}).name == "--tty");
    CHECK(parse({"--name", "--"}).name == "--");
    CHECK(parse({"--name=a=b"}).name == "a=b");
    CHECK(parse({"--name=two\nlines"}).name == "two\nlines");
    CHECK(parse({"--entrypoint="}).entrypoint == std::optional<std::string>(""));
    CHECK(parse({"-n", "-1"}).last == -1);
    CHECK(parse({"--pids", "-9223372036854775808"}).pids == INT64_MIN);
}

TEST_CASE("lists keep their order, commas and empty values; single values keep the last one") {
    CHECK(parse({"-e", "A=1,2", "--env=", "-eB"}).env == Words{"A=1,2", "", "B"});
    CHECK(parse({"--name", "a", "--name", "b"}).name == "b");
}

TEST_CASE("every spelling of an option sets it") {
    CHECK(parse({"--time", "3"}).timeout == std::optional<int>(3));
    CHECK(parse({"--timeout=4"}).timeout == std::optional<int>(4));
}

TEST_CASE("options may follow operands unless the operand is a command") {
    CHECK(parse({"a", "-t"}).tty);
    const Parsed p = parse({"-i", "image", "ls", "-t", "--", "x"}, operands::command);
    CHECK(p.interactive);
    CHECK_FALSE(p.tty);
    CHECK(p.operands == Words{"image", "ls", "-t", "--", "x"});
}

TEST_CASE("two dashes end the options, one dash is an operand") {
    CHECK(parse({"-", "--", "-t"}).operands == Words{"-", "-t"});
    CHECK_FALSE(parse({"--", "-t"}).tty);
}

TEST_CASE("unknown options name the nearest ones") {
    CHECK(failure({"--nmae", "x"}) == "unknown option '--nmae'|did you mean '--name'?");
    CHECK(failure({"--zzzzzzz"}) == "unknown option '--zzzzzzz'");
    CHECK(failure({"-x"}) == "unknown option '-x'");
    CHECK(failure({"-tx"}) == "unknown option '-x'");
    CHECK(failure({"--=x"}).starts_with("unknown option"));
    CHECK(failure({"--\x1b[31m"}).find('\x1b') == std::string::npos);
}

TEST_CASE("wrong values name the option and what was expected") {
    CHECK(failure({"--name"}) == "option '--name' needs a value: NAME");
    CHECK(failure({"-p"}) == "option '-p' needs a value: PORT");
    CHECK(failure({"--tty=maybe"}) == "invalid value 'maybe' for --tty: expected true or false");
    for (const char* wrong : {"", " 1", "1 ", "0x10", "1e3", "9223372036854775808", "--1"})
        CHECK(failure({"--pids", wrong}).starts_with("invalid value"));
    CHECK(failure({"--last=2147483648"}) == "invalid value '2147483648' for --last: expected a number within range");
}

TEST_CASE("operands are counted") {
    CHECK(failure({"a"}, operands::none) == "'kist sample' takes no arguments: 'a' is too much");
    CHECK(failure({}, operands::exactly_one) == "'kist sample' needs exactly 1 argument");
    CHECK(failure({"a"}, operands::exactly_two) == "'kist sample' needs exactly 2 arguments");
    CHECK(failure({}, operands::at_least_one) == "'kist sample' needs at least 1 argument");
    CHECK(failure({"a", "b"}, operands::at_most_one) == "'kist sample' takes at most 1 argument: 'b' is too much");
}

TEST_CASE("help is asked for by --help, and by -h where the table has no h") {
    CHECK_THROWS_AS(parse({"--help"}), HelpRequested);
    CHECK_THROWS_AS(parse({"-th"}), HelpRequested);
    CHECK_THROWS_AS(parse({"--help", "--nonsense"}), HelpRequested);
    CHECK(parse({"image", "--help"}, operands::command).operands == Words{"image", "--help"});
}
