// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_record.hh"

#include <cstdint>
#include <optional>

#include "base/error.hh"
#include "base/json.hh"
#include "monitor/log_stamp.hh"
#include "monitor/utf8.hh"

namespace kist::monitor {

namespace {

/// Walks over one record. Every method returns false at the first thing that is not as expected.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}
    bool at_end() {
        skip_blanks();
        return text_.empty();
    }
    bool take(char c) {
        skip_blanks();
        if (text_.empty() || text_.front() != c) return false;
        text_.remove_prefix(1);
        return true;
    }
    bool string(std::string& into);
    /// An object of strings, as "name=value,…".
    bool members(std::string& into);

private:
    void skip_blanks() {
        while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t')) text_.remove_prefix(1);
    }
    bool escape(std::string& into);
    std::optional<std::uint32_t> hex4();
    void unicode(std::uint32_t unit, std::string& into);
    std::string_view text_;
};

bool Scanner::string(std::string& into) {
    into.clear();
    if (!take('"')) return false;
    std::size_t quote = text_.find('"');
    while (quote != std::string_view::npos) {
        const std::size_t backslash = text_.substr(0, quote).find('\\');
        if (backslash == std::string_view::npos) {
            into += text_.substr(0, quote);
            text_.remove_prefix(quote + 1);
            return true;
        }
        into += text_.substr(0, backslash);
        const std::size_t before = text_.size();
        text_.remove_prefix(backslash + 1);
        if (!escape(into)) return false;
        const std::size_t used = before - text_.size();
        // The quote found above is looked up again only when the escape was that quote.
        quote = quote >= used ? quote - used : text_.find('"');
    }
    return false;
}

bool Scanner::members(std::string& into) {
    std::string name, value;
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
        if (!string(name) || !take(':') || !string(value)) return false;
        into += (into.empty() ? "" : ",") + name + "=" + value;
    } while (take(','));
    return take('}');
}

bool Scanner::escape(std::string& into) {
    if (text_.empty()) return false;
    const char c = text_.front();
    text_.remove_prefix(1);
    switch (c) {
    case 'n': into += '\n'; return true;
    case 'r': into += '\r'; return true;
    case 't': into += '\t'; return true;
    case 'b': into += '\b'; return true;
    case 'f': into += '\f'; return true;
    case '"':
    case '\\':
    case '/': into += c; return true;
    case 'u': break;
    default: return false;
    }
    const auto unit = hex4();
    if (!unit) return false;
    unicode(*unit, into);
    return true;
}

std::optional<std::uint32_t> Scanner::hex4() {
    if (text_.size() < 4) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : text_.substr(0, 4)) {
        const bool digit = c >= '0' && c <= '9';
        const char lower = static_cast<char>(c | 0x20);
        if (!digit && (lower < 'a' || lower > 'f')) return std::nullopt;
        value = value * 16 + static_cast<std::uint32_t>(digit ? c - '0' : lower - 'a' + 10);
    }
    text_.remove_prefix(4);
    return value;
}

void Scanner::unicode(std::uint32_t unit, std::string& into) {
    constexpr char32_t replacement = 0xfffd;
    if (unit < 0xd800 || unit > 0xdfff) return append_utf8(into, unit);
    if (unit < 0xdc00 && text_.starts_with("\\u")) {
        const std::string_view before = text_;
        text_.remove_prefix(2);
        const auto low = hex4();
        if (low && *low >= 0xdc00 && *low <= 0xdfff)
            return append_utf8(into, 0x10000 + ((unit - 0xd800) << 10) + (*low - 0xdc00));
        text_ = before;
    }
    append_utf8(into, replacement);
}

std::optional<Stream> stream_of(std::string_view name) {
    if (name == "stdout") return Stream::out;
    if (name == "stderr") return Stream::err;
    return std::nullopt;
}

/// The form that our writer (and Docker's) gives every record.
bool decode_plain(std::string_view line, LogRecord& into) {
    Scanner in(line);
    std::string name, stream;
    if (!in.take('{') || !in.string(name) || name != "log" || !in.take(':') || !in.string(into.text)) return false;
    if (!in.take(',') || !in.string(name) || name != "stream" || !in.take(':') || !in.string(stream)) return false;
    if (!in.take(',') || !in.string(name)) return false;
    if (name == "attrs" && (!in.take(':') || !in.members(into.details) || !in.take(',') || !in.string(name)))
        return false;
    if (name != "time" || !in.take(':') || !in.string(into.time)) return false;
    const auto found = stream_of(stream);
    if (!found || !in.take('}') || !in.at_end()) return false;
    into.stream = *found;
    return true;
}

bool decode_any(std::string_view line, LogRecord& into) {
    try {
        const Value record = json::parse(line, "log");
        const Value* text = record.find("log");
        const Value* stream = record.find("stream");
        const Value* time = record.find("time");
        if (text == nullptr || stream == nullptr || time == nullptr) return false;
        if (!text->is_string() || !stream->is_string() || !time->is_string()) return false;
        const auto found = stream_of(stream->as_string());
        if (!found) return false;
        into.stream = *found;
        into.text = text->as_string();
        into.time = time->as_string();
        return true;
    } catch (const Error&) { // a damaged line is an answer here, not a failure
        return false;
    }
}

/// "2026-11-21T08:00:01.123456789Z stdout F hello"; P where the line goes on in the next record.
bool decode_k8s(std::string_view line, LogRecord& into) {
    const std::size_t time = line.find(' ');
    if (time == std::string_view::npos || time == 0) return false;
    const std::size_t stream = line.find(' ', time + 1);
    if (stream == std::string_view::npos) return false;
    const auto found = stream_of(line.substr(time + 1, stream - time - 1));
    const std::string_view rest = line.substr(stream + 1);
    if (!found || rest.size() < 2 || rest[1] != ' ' || (rest[0] != 'F' && rest[0] != 'P')) return false;
    into.stream = *found;
    into.time = line.substr(0, time);
    into.text = rest.substr(2);
    if (rest[0] == 'F') into.text += '\n';
    return true;
}

/// "O0NCdXaU2F4Lhello"; a small letter where the line goes on in the next record.
bool decode_local(std::string_view line, LogRecord& into) {
    if (line.size() < 1 + stamp_size) return false;
    const auto moment = unpack_stamp(line.substr(1, stamp_size));
    if (!moment) return false;
    const char flag = line.front();
    into.stream = flag == 'O' || flag == 'o' ? Stream::out : Stream::err;
    into.time = to_rfc3339(*moment);
    into.text = line.substr(1 + stamp_size);
    if (flag == 'O' || flag == 'E') into.text += '\n';
    return true;
}

} // namespace

Moment LogRecord::moment() const { return parse_rfc3339(time).value_or(Moment{}); }

bool decode_record(std::string_view line, LogRecord& into) {
    into.details.clear();
    constexpr std::string_view local_flags = "OoEe";
    if (!line.empty() && local_flags.find(line.front()) != std::string_view::npos) return decode_local(line, into);
    if (!line.starts_with('{')) return decode_k8s(line, into);
    return decode_plain(line, into) || decode_any(line, into);
}

} // namespace kist::monitor
