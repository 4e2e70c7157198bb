// SPDX-License-Identifier: Apache-2.0
#include "monitor/protocol.hh"

#include <limits>

#include "base/json.hh"
#include "base/text.hh"

namespace kist::monitor {

namespace {

constexpr int known_schema = 1;
constexpr int highest_signal = 64;

std::optional<unsigned short> parse_short(std::string_view text) {
    const auto number = parse_unsigned(text, std::numeric_limits<unsigned short>::max());
    if (!number) return std::nullopt;
    return static_cast<unsigned short>(*number);
}

} // namespace

Job parse_job(std::string_view text, std::string_view where) {
    Job job = from_value<Job>(json::parse(text, where), where);
    if (job.schema > known_schema) throw Error("reading '{}': written by a newer kist (schema {})", where, job.schema);
    return job;
}

std::string dump_job(const Job& job) { return json::dump(to_value(job)); }

std::string make_packet(Packet type, std::string_view payload) {
    std::string packet;
    packet.reserve(payload.size() + 1);
    packet += static_cast<char>(type);
    packet += payload;
    return packet;
}

std::optional<PacketView> parse_packet(std::string_view bytes) {
    if (bytes.empty()) return std::nullopt;
    return PacketView{static_cast<Packet>(bytes.front()), bytes.substr(1)};
}

std::string format_resize(WindowSize size) { return fmt::format("{} {}", size.rows, size.columns); }

std::optional<WindowSize> parse_resize(std::string_view payload) {
    const auto [rows, columns] = split_once(payload, ' ');
    if (!columns) return std::nullopt;
    const auto r = parse_short(rows);
    const auto c = parse_short(*columns);
    if (!r || !c) return std::nullopt;
    return WindowSize{*r, *c};
}

std::string format_stop(const StopRequest& request) {
    std::string text = fmt::format("{} {}", request.timeout, request.signal);
    if (request.purpose != StopPurpose::stop) text += " " + std::string(name_of(request.purpose));
    return text;
}

std::optional<StopRequest> parse_stop(std::string_view payload) {
    const auto words = split(payload, ' ');
    if (words.empty() || words.size() > 3) return std::nullopt;
    StopRequest request;
    const auto timeout = parse_signed(words[0]);
    if (!timeout) return std::nullopt;
    request.timeout = *timeout;
    if (words.size() > 1) {
        const auto signal = parse_unsigned(words[1], highest_signal);
        if (!signal) return std::nullopt;
        request.signal = static_cast<int>(*signal);
    }
    if (words.size() > 2) {
        const auto purpose = named<StopPurpose>(words[2]);
        if (!purpose) return std::nullopt;
        request.purpose = *purpose;
    }
    return request;
}

std::string format_exit(const Exit& exit) { return std::to_string(exit.code) + (exit.goes_on ? " restarting" : ""); }

Exit parse_exit(std::string_view payload) {
    constexpr int unknown_exit_code = 255;
    const auto [code, word] = split_once(payload, ' ');
    return {static_cast<int>(parse_unsigned(code, 255).value_or(unknown_exit_code)), word == "restarting"};
}

std::string format_attachment(const netns::Attachment& attachment) { return json::dump(to_value(attachment)); }
netns::Attachment parse_attachment(std::string_view payload) {
    return from_value<netns::Attachment>(json::parse(payload, "connect"), "connect");
}

std::string format_failure(const Error& error) {
    // The message is one line by our own rule; an image's text inside it must not become the hint.
    std::string message = error.message();
    for (char& c : message)
        if (c == '\n') c = ' ';
    std::string payload = fmt::format("{}\n{}\n{}", static_cast<int>(error.exit_code()), message, error.hint());
    if (payload.size() >= max_packet) payload.resize(max_packet - 1);
    return payload;
}

Error parse_failure(std::string_view payload) {
    const auto [code_text, rest] = split_once(payload, '\n');
    const auto [message, hint] = split_once(rest.value_or("the monitor failed without a reason"), '\n');
    Error error("{}", message);
    if (hint && !hint->empty()) error.with_hint(*hint);
    const auto code = parse_unsigned(code_text, 255);
    error.with_exit_code(code ? static_cast<ExitCode>(*code) : ExitCode::engine);
    return error;
}

} // namespace kist::monitor
