// SPDX-License-Identifier: Apache-2.0
#include "base/dbus.hh"

#include <bit>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.hh"

namespace kist::dbus {

namespace {

constexpr char own_order = std::endian::native == std::endian::little ? 'l' : 'B';
constexpr std::size_t fixed_header = 16;
constexpr std::size_t message_limit = 1u << 20;

enum Field : std::uint8_t { object = 1, interface, member, error_name, reply_serial, destination, sender, signature };

void align(std::string& out, std::size_t to) { out.append((to - out.size() % to) % to, '\0'); }

template <typename Number>
void put(std::string& out, Number number) {
    align(out, sizeof number);
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
void put_text(std::string& out, std::string_view text) {
    put(out, static_cast<std::uint32_t>(text.size()));
    out += text;
    out += '\0';
}
void put_signature(std::string& out, std::string_view text) {
    out += static_cast<char>(text.size());
    out += text;
    out += '\0';
}
/// The length in front of an array counts from its first element, which has an alignment of its own.
template <typename PutElements>
void put_array(std::string& out, std::size_t alignment, const PutElements& put_elements) {
    put(out, std::uint32_t{0});
    const std::size_t at = out.size() - 4;
    align(out, alignment);
    const std::size_t begin = out.size();
    put_elements();
    const auto length = static_cast<std::uint32_t>(out.size() - begin);
    std::memcpy(out.data() + at, &length, sizeof length);
}

constexpr std::string_view signatures[] = {"b", "s", "i", "u", "x", "t", "ay", "au", "as"};

struct PutValue {
    std::string& out;
    void operator()(bool value) const { put(out, std::uint32_t{value}); }
    void operator()(const std::string& value) const { put_text(out, value); }
    template <typename Number>
    void operator()(Number value) const {
        put(out, value);
    }
    template <typename Number>
    void operator()(const std::vector<Number>& values) const {
        put_array(out, sizeof(Number), [&] {
            for (const Number value : values) put(out, value);
        });
    }
    void operator()(const Strings& values) const {
        put_array(out, 4, [&] {
            for (const std::string& value : values) put_text(out, value);
        });
    }
};

/// Reads what the other side wrote; every step stays inside.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    std::size_t at() const { return at_; }
    bool at_end() const { return at_ == bytes_.size(); }
    void align(std::size_t to) { take((to - at_ % to) % to); }
    std::string_view take(std::size_t count) {
        if (bytes_.size() - at_ < count) throw Error("a D-Bus message is cut off");
        at_ += count;
        return bytes_.substr(at_ - count, count);
    }
    std::uint8_t byte() { return static_cast<std::uint8_t>(take(1)[0]); }
    std::uint32_t number() {
        align(4);
        std::uint32_t value = 0;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }
    std::string text() { return terminated(number()); }
    std::string signature() { return terminated(byte()); }

private:
    std::string terminated(std::size_t length) {
        std::string value(take(length));
        take(1);
        return value;
    }
    std::string_view bytes_;
    std::size_t at_ = 0;
};

void put_field(std::string& out, Field field, std::string_view type, std::string_view value) {
    if (value.empty()) return;
    align(out, 8);
    out += static_cast<char>(field);
    put_signature(out, type);
    if (type == "g") put_signature(out, value);
    else put_text(out, value);
}

void read_field(Reader& reader, Message& message) {
    reader.align(8);
    const auto field = reader.byte();
    const std::string type = reader.signature();
    if (type == "u") {
        const std::uint32_t number = reader.number();
        if (field == Field::reply_serial) message.answers = number;
    } else if (type == "s" || type == "o") {
        const std::string text = reader.text();
        if (field == Field::member) message.member = text;
        if (field == Field::error_name) message.error_name = text;
    } else if (type == "g") {
        const std::string text = reader.signature();
        if (field == Field::signature) message.signature = text;
    } else {
        throw Error("a D-Bus message has a header field of type '{}'", printable(type));
    }
}

/// Until `events` are there. False when `deadline` has passed.
bool wait_for(const Fd& socket, short events, Connection::Deadline deadline) {
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        pollfd wait{socket.get(), events, 0};
        const int ready = ::poll(&wait, 1, left > 0 ? static_cast<int>(left) : 0);
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR) throw SysError("waiting for a D-Bus message");
    }
}

void send_bytes(const Fd& socket, std::string_view bytes, const std::string& path, Connection::Deadline deadline) {
    while (!bytes.empty()) {
        if (!wait_for(socket, POLLOUT, deadline)) throw Error("asking '{}': it takes no request", path);
        const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno != EINTR && errno != EAGAIN) throw SysError("asking '{}'", path);
    }
}

} // namespace

Arguments& Arguments::add(const Value& value) {
    signature_ += signatures[value.index()];
    std::visit(PutValue{bytes_}, value);
    return *this;
}

Arguments& Arguments::add(const std::vector<Property>& properties) {
    signature_ += "a(sv)";
    put_array(bytes_, 8, [&] {
        for (const Property& property : properties) {
            align(bytes_, 8);
            put_text(bytes_, property.name);
            put_signature(bytes_, signatures[property.value.index()]);
            std::visit(PutValue{bytes_}, property.value);
        }
    });
    return *this;
}

Arguments& Arguments::add_empty(std::string_view array_signature) {
    signature_ += array_signature;
    const char element = array_signature.at(1);
    put_array(bytes_, element == '(' || element == '{' || element == 't' || element == 'x' ? 8 : 4, [] {});
    return *this;
}

std::string encode(const Method& method, const Arguments& arguments, std::uint32_t serial) {
    std::string out{own_order, static_cast<char>(MessageType::call), 0, 1};
    put(out, static_cast<std::uint32_t>(arguments.bytes().size()));
    put(out, serial);
    put_array(out, 8, [&] {
        put_field(out, Field::object, "o", method.object);
        put_field(out, Field::interface, "s", method.interface);
        put_field(out, Field::member, "s", method.member);
        put_field(out, Field::destination, "s", method.destination);
        put_field(out, Field::signature, "g", arguments.signature());
    });
    align(out, 8);
    return out + arguments.bytes();
}

std::size_t message_length(std::string_view start) {
    Reader reader(start);
    if (reader.byte() != own_order) throw Error("a D-Bus message is not in this machine's byte order");
    reader.take(3);
    const std::size_t body = reader.number();
    reader.number();
    const std::size_t fields = reader.number();
    if (body > message_limit || fields > message_limit) throw Error("a D-Bus message is longer than 1 MiB");
    return fixed_header + (fields + 7) / 8 * 8 + body;
}

Message decode(std::string_view bytes) {
    if (bytes.size() < fixed_header || bytes.size() != message_length(bytes)) throw Error("a D-Bus message is cut off");
    Message message;
    Reader reader(bytes);
    reader.take(1);
    message.type = static_cast<MessageType>(reader.byte());
    reader.take(2);
    const std::size_t body = reader.number();
    reader.number();
    const std::size_t fields = reader.number();
    while (reader.at() < fixed_header + fields) read_field(reader, message);
    message.body = bytes.substr(bytes.size() - body);
    return message;
}

Strings leading_arguments(const Message& message) {
    Strings found;
    Reader reader(message.body);
    for (const char type : message.signature) {
        if (type == 's' || type == 'o') found.push_back(reader.text());
        else if (type == 'u') found.push_back(std::to_string(reader.number()));
        else break;
    }
    return found;
}

Connection Connection::open(const std::string& path, Deadline deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw Error("connecting to '{}': the path is too long", path);
    path.copy(address.sun_path, path.size());
    Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket || ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw SysError("connecting to '{}'", path);
    Connection connection(std::move(socket), path);
    connection.authenticate(deadline);
    return connection;
}

void Connection::authenticate(Deadline deadline) {
    std::string user;
    for (const char digit : std::to_string(::geteuid())) user += fmt::format("{:02x}", digit);
    // BEGIN goes along: a call that comes behind it in one piece is not seen by systemd until something more comes.
    send_bytes(socket_, std::string(1, '\0') + "AUTH EXTERNAL " + user + "\r\nBEGIN\r\n", path_, deadline);
    std::string line;
    while (!line.ends_with("\r\n") && line.size() < 256) line += receive_bytes(1, deadline);
    if (!line.starts_with("OK ")) throw Error("connecting to '{}': it refuses us: {}", path_, printable(trim(line)));
}

std::string Connection::receive_bytes(std::size_t count, Deadline deadline) {
    std::string bytes(count, '\0');
    for (std::size_t have = 0; have < count;) {
        if (!wait_for(socket_, POLLIN, deadline)) throw Error("asking '{}': no answer in time", path_);
        const ssize_t got = ::recv(socket_.get(), bytes.data() + have, count - have, MSG_DONTWAIT);
        if (got > 0) have += static_cast<std::size_t>(got);
        else if (got == 0) throw Error("asking '{}': it has closed the connection", path_);
        else if (errno != EINTR && errno != EAGAIN) throw SysError("asking '{}'", path_);
    }
    return bytes;
}

Message Connection::receive(Deadline deadline) {
    std::string bytes = receive_bytes(fixed_header, deadline);
    bytes += receive_bytes(message_length(bytes) - fixed_header, deadline);
    return decode(bytes);
}

Message Connection::call(const Method& method, const Arguments& arguments, Deadline deadline) {
    const std::uint32_t serial = ++serial_;
    send_bytes(socket_, encode(method, arguments, serial), path_, deadline);
    for (;;) {
        Message message = receive(deadline);
        if (message.type == MessageType::signal) signals_.push_back(std::move(message));
        if (message.answers != serial) continue;
        if (message.type == MessageType::answer) return message;
        if (message.type != MessageType::error) continue;
        const Strings text = leading_arguments(message);
        throw CallError(method.member, message.error_name, text.empty() ? "" : text.front());
    }
}

Message Connection::next_signal(Deadline deadline) {
    while (signals_.empty()) {
        Message message = receive(deadline);
        if (message.type == MessageType::signal) signals_.push_back(std::move(message));
    }
    Message first = std::move(signals_.front());
    signals_.pop_front();
    return first;
}

} // namespace kist::dbus
