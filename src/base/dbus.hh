// SPDX-License-Identifier: Apache-2.0
// As much of D-Bus as it takes to ask a service manager on its own socket: calls, their answers, and the signals in between.
// Our programs are static, so no library for it could be loaded into them.
// https://dbus.freedesktop.org/doc/dbus-specification.html
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hh"
#include "base/fd.hh"

namespace kist::dbus {

using Strings = std::vector<std::string>;
/// The types b, s, i, u, x, t, ay, au and as.
using Value = std::variant<bool, std::string, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t,
                           std::vector<std::uint8_t>, std::vector<std::uint32_t>, Strings>;
struct Property {
    std::string name;
    Value value;
    bool operator==(const Property&) const = default;
};

/// The arguments of a call, in the order in which they are added.
class Arguments {
public:
    Arguments& add(const Value&);
    /// a(sv)
    Arguments& add(const std::vector<Property>&);
    /// An array without elements, of any type.
    Arguments& add_empty(std::string_view array_signature);
    const std::string& signature() const { return signature_; }
    const std::string& bytes() const { return bytes_; }

private:
    std::string signature_;
    std::string bytes_;
};

enum class MessageType : std::uint8_t { call = 1, answer = 2, error = 3, signal = 4 };
struct Message {
    MessageType type = MessageType::signal;
    std::uint32_t answers = 0; ///< serial of the call
    std::string member;
    std::string error_name;
    std::string signature;
    std::string body;
};
/// The leading arguments of types s, o and u as text, up to the first of another type. Throws Error when they are cut off.
Strings leading_arguments(const Message&);
/// A whole message of a method call, as it is sent. `serial` is not 0.
struct Method {
    std::string_view destination = {}; ///< empty without a bus in between
    std::string_view object, interface, member;
};
std::string encode(const Method&, const Arguments&, std::uint32_t serial);
/// Throws Error for bytes that are no message. `message` is as long as message_length says.
Message decode(std::string_view message);
/// From its first 16 bytes. Throws Error for more than 1 MiB.
std::size_t message_length(std::string_view start);

/// The other side's "no".
class CallError : public Error {
public:
    CallError(std::string_view method, std::string name, std::string text)
        : Error("{}: {}", method, text.empty() ? name : text), name_(std::move(name)), text_(std::move(text)) {}
    const std::string& name() const { return name_; } ///< as org.freedesktop.systemd1.NoSuchUnit
    const std::string& text() const { return text_; }

private:
    std::string name_, text_;
};

/// A connection to whoever listens at a path, as our user. Every wait ends at the deadline, with an Error.
class Connection {
public:
    using Deadline = std::chrono::steady_clock::time_point;
    /// Throws SysError "connecting to '<path>'".
    static Connection open(const std::string& path, Deadline);
    /// Throws CallError. Signals that come before the answer are kept.
    Message call(const Method&, const Arguments&, Deadline);
    /// The next signal, of those kept or still to come.
    Message next_signal(Deadline);

private:
    Connection(Fd socket, std::string path) : socket_(std::move(socket)), path_(std::move(path)) {}
    void authenticate(Deadline);
    std::string receive_bytes(std::size_t count, Deadline);
    Message receive(Deadline);

    Fd socket_;
    std::string path_;
    std::uint32_t serial_ = 0;
    std::deque<Message> signals_;
};

} // namespace kist::dbus
