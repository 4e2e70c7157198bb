// SPDX-License-Identifier: Apache-2.0
// Messages byte by byte, and a connection to a service that says little and odd things.
#include "base/dbus.hh"

#include <thread>

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace kist;
using namespace kist::dbus;
using namespace std::string_literals;

namespace {

std::string words(std::initializer_list<std::uint32_t> numbers) {
    std::string bytes;
    for (const std::uint32_t number : numbers) bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
    return bytes;
}
char own_order() { return encode({.object = "/", .interface = "a.b", .member = "C"}, {}, 1).front(); }

/// What a service sends: a header with the fields given, and a body.
std::string from_service(MessageType type, const std::string& fields, const std::string& body) {
    std::string bytes{own_order(), static_cast<char>(type), 0, 1};
    bytes += words({static_cast<std::uint32_t>(body.size()), 7, static_cast<std::uint32_t>(fields.size())}) + fields;
    bytes.resize((bytes.size() + 7) / 8 * 8);
    return bytes + body;
}
std::string answers_field(std::uint32_t serial) { return "\5\1u\0"s + words({serial}); }
std::string text_of(const std::string& text) { return words({static_cast<std::uint32_t>(text.size())}) + text + '\0'; }

/// One client, one answer for each call.
class Service {
public:
    explicit Service(std::string greeting, std::string answers)
        : path_("/tmp/kist-dbus-test." + std::to_string(::getpid())) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, path_.size());
        ::unlink(path_.c_str());
        listening_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listening_.get(), 1) == 0);
        thread_ = std::thread([this, greeting = std::move(greeting), answers = std::move(answers)] {
            const Fd client(::accept(listening_.get(), nullptr, nullptr));
            char buffer[4096];
            const ssize_t begin = ::recv(client.get(), buffer, sizeof buffer, 0);
            // Behind our answer there must be calls alone: see authenticate().
            if (begin < 0 || !std::string_view(buffer, begin).ends_with("\r\nBEGIN\r\n")) return;
            write_full(client, greeting, "client");
            (void)::recv(client.get(), buffer, sizeof buffer, 0);
            write_full(client, answers, "client");
            while (::recv(client.get(), buffer, sizeof buffer, 0) > 0) continue;
        });
    }
    ~Service() {
        thread_.join();
        ::unlink(path_.c_str());
    }
    const std::string& path() const { return path_; }

private:
    std::string path_;
    Fd listening_;
    std::thread thread_;
};

auto soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(5); }
const Method get{.object = "/o", .interface = "a.b", .member = "Get"};

} // namespace

TEST_CASE("a call has its fields, its signature and its arguments, each at its place") {
    const std::string bytes = encode(get, Arguments().add(std::string("ab")).add(true), 5);
    std::string expected{own_order(), 1, 0, 1};
    expected += words({12, 5, 56});
    expected += "\1\1o\0"s + text_of("/o") + std::string(5, '\0');
    expected += "\2\1s\0"s + text_of("a.b") + std::string(4, '\0');
    expected += "\3\1s\0"s + text_of("Get") + std::string(4, '\0');
    expected += "\10\1g\0\2sb\0"s;
    expected.resize((expected.size() + 7) / 8 * 8);
    expected += text_of("ab") + "\0"s + words({1});
    CHECK(bytes == expected);
}

TEST_CASE("every type of a value has its signature and its alignment") {
    const std::vector<Property> properties = {{"N", std::uint64_t{1}}, {"S", Strings{"x"}}};
    const Arguments arguments = Arguments().add(std::string()).add(properties).add_empty("a(sa(sv))");
    CHECK(arguments.signature() == "sa(sv)a(sa(sv))");
    std::string expected = text_of("") + std::string(3, '\0') + words({46}) + std::string(4, '\0');
    expected += text_of("N") + "\1t\0"s + std::string(7, '\0') + words({1, 0});
    expected += text_of("S") + "\2as\0"s + std::string(2, '\0') + words({6}) + text_of("x");
    expected += std::string(2, '\0') + words({0}) + std::string(4, '\0'); // the empty array
    CHECK(arguments.bytes() == expected);
    CHECK(Arguments()
              .add(std::int32_t{1})
              .add(std::uint32_t{1})
              .add(std::int64_t{1})
              .add(std::vector<std::uint8_t>{1, 2})
              .add(std::vector<std::uint32_t>{3})
              .signature() == "iuxayau");
}

TEST_CASE("an answer, an error and a signal are told apart") {
    const std::string body = words({9}) + text_of("/job/9");
    const Message answer = decode(from_service(MessageType::answer, answers_field(5) + "\10\1g\0\2uo\0"s, body));
    CHECK(answer.type == MessageType::answer);
    CHECK(answer.answers == 5);
    CHECK(leading_arguments(answer) == Strings{"9", "/job/9"});
    const Message signal = decode(from_service(MessageType::signal, "\3\1s\0"s + text_of("JobRemoved"), ""));
    CHECK(signal.member == "JobRemoved");
    CHECK(leading_arguments(signal).empty());
}

TEST_CASE("a message that is cut off, too long or in another byte order is refused") {
    const std::string whole = from_service(MessageType::answer, answers_field(5) + "\10\1g\0\1s\0"s, text_of("abc"));
    for (std::size_t length = 0; length < whole.size(); ++length)
        CHECK_THROWS_AS(decode(whole.substr(0, length)), Error);
    std::string lying = whole;
    lying[whole.size() - 8] = 100; // the text claims to be longer than the body
    CHECK_THROWS_AS(leading_arguments(decode(lying)), Error);
    CHECK_THROWS_AS(message_length("x" + whole.substr(1)), Error);
    CHECK_THROWS_AS(message_length(std::string{own_order(), 2, 0, 1} + words({2u << 20, 1, 0})), Error);
    std::string odd_field = from_service(MessageType::answer, "\5\1v\0"s, "");
    CHECK_THROWS_AS(decode(odd_field), Error);
}

TEST_CASE("a call returns its own answer, and keeps the signals that came before") {
    const std::string signal = from_service(MessageType::signal, "\3\1s\0"s + text_of("JobRemoved"), "");
    const Service service("OK 0123\r\n", signal + from_service(MessageType::answer, answers_field(99), "") +
                                             from_service(MessageType::answer, answers_field(1), ""));
    Connection connection = Connection::open(service.path(), soon());
    CHECK(connection.call(get, {}, soon()).answers == 1);
    CHECK(connection.next_signal(soon()).member == "JobRemoved");
}

TEST_CASE("the other side's no is an error with a name") {
    const std::string fields = "\4\1s\0"s + text_of("a.b.NoSuchUnit") + "\0"s + answers_field(1) + "\10\1g\0\1s\0"s;
    const Service service("OK 0123\r\n", from_service(MessageType::error, fields, text_of("Unit x not loaded.")));
    Connection connection = Connection::open(service.path(), soon());
    try {
        connection.call(get, {}, soon());
        FAIL("it was no error");
    } catch (const CallError& error) {
        CHECK(error.name() == "a.b.NoSuchUnit");
        CHECK(error.message() == "Get: Unit x not loaded.");
    }
}

TEST_CASE("a service that refuses us, says nothing or is not there is an error, not a wait") {
    CHECK_THROWS_AS(Connection::open("/tmp/kist-dbus-test.none", soon()), SysError);
    {
        const Service service("REJECTED EXTERNAL\r\n", "");
        CHECK_THROWS_AS(Connection::open(service.path(), soon()), Error);
    }
    const Service service("OK 0123\r\n", "");
    Connection connection = Connection::open(service.path(), soon());
    const auto begin = std::chrono::steady_clock::now();
    CHECK_THROWS_AS(connection.call(get, {}, begin + std::chrono::milliseconds(50)), Error);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(4));
}
