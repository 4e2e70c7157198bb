// SPDX-License-Identifier: Apache-2.0
// Reading: RapidJSON's SAX reader in its iterative mode feeds a builder that keeps its own stack, so a depth bomb costs
// neither our stack nor RapidJSON's. Writing: by hand, because the layout must be Docker's.
#include "base/json.hh"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include <rapidjson/error/error.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::json {

namespace {

template <typename T>
std::optional<T> from_digits(std::string_view text) {
    T n{};
    if (std::from_chars(text.data(), text.data() + text.size(), n).ec != std::errc()) return std::nullopt;
    return n;
}

/// The text is a number by JSON's grammar. Nothing when it is beyond what a double can hold.
std::optional<Value> to_number(std::string_view text) {
    if (text.find_first_of(".eE") == std::string_view::npos) {
        if (const auto n = from_digits<std::int64_t>(text)) return *n;
        if (const auto n = text.starts_with('-') ? std::nullopt : from_digits<std::uint64_t>(text)) return *n;
    }
    if (const auto d = from_digits<double>(text)) return *d;
    const double d = std::strtod(std::string(text).c_str(), nullptr); // tells too small, which is 0, from too big
    if (!std::isfinite(d)) return std::nullopt;
    return d;
}

/// Builds the document bottom-up: containers that are still open lie on a stack, a finished one moves into its parent.
/// A false result stops the reader; `problem` then says why.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
public:
    explicit Builder(const Limits& limits) : limits_(limits) { open_.reserve(usual_depth); }

    bool Null() { return add(nullptr); }
    bool Bool(bool b) { return add(b); }
    /// Numbers come as text: RapidJSON 1.1's own conversion computes nonsense for exponents far out of range.
    bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
        auto number = to_number({text, size});
        if (number) return add(std::move(*number));
        problem = "number too big";
        return false;
    }
    bool String(const char* text, rapidjson::SizeType size, bool) {
        return is_valid({text, size}) && add(std::string(text, size));
    }
    bool Key(const char* text, rapidjson::SizeType size, bool) {
        open_.back().key.assign(text, size);
        return is_valid(open_.back().key);
    }
    bool StartObject() { return open(Value::object()); }
    bool StartArray() { return open(Value::list()); }
    bool EndObject(rapidjson::SizeType) {
        const Value::Object& object = open_.back().value.as_object();
        if (const std::string* twice = duplicate(object)) {
            problem = fmt::format("member '{}' appears twice in one object", printable(*twice));
            return false;
        }
        return close();
    }
    bool EndArray(rapidjson::SizeType) { return close(); }

    std::string problem;
    Value root;

private:
    static constexpr std::size_t usual_depth = 8;

    struct Open {
        Value value;
        std::string key; ///< the name that waits for its value
    };

    /// RapidJSON lets the escape of a lone low surrogate through, as three bytes (0xed first) that are no UTF-8.
    bool is_valid(std::string_view text) {
        if (text.find('\xed') == std::string_view::npos || is_utf8(text)) return true;
        problem = "invalid surrogate pair";
        return false;
    }
    bool count() {
        if (++values_ <= limits_.values) return true;
        problem = fmt::format("more than {} values", limits_.values);
        return false;
    }
    bool add(Value&& value) {
        if (!count()) return false;
        place(std::move(value));
        return true;
    }
    bool open(Value&& value) {
        if (!count()) return false;
        if (open_.size() >= limits_.depth) {
            problem = fmt::format("nested deeper than {} levels", limits_.depth);
            return false;
        }
        open_.push_back({std::move(value), {}});
        return true;
    }
    bool close() {
        Value done = std::move(open_.back().value);
        open_.pop_back();
        place(std::move(done));
        return true;
    }
    void place(Value&& value) {
        if (open_.empty()) {
            root = std::move(value);
            return;
        }
        Open& parent = open_.back();
        if (parent.value.is_list()) {
            parent.value.push(std::move(value));
            return;
        }
        parent.value.as_object().emplace_back(std::move(parent.key), std::move(value));
    }
    /// By pairs for the usual small object; sorted for a big one, which may be hostile.
    static const std::string* duplicate(const Value::Object& object) {
        if (object.size() <= 16) {
            for (std::size_t i = 1; i < object.size(); ++i)
                for (std::size_t j = 0; j < i; ++j)
                    if (object[i].first == object[j].first) return &object[i].first;
            return nullptr;
        }
        std::vector<const std::string*> names;
        names.reserve(object.size());
        for (const auto& member : object) names.push_back(&member.first);
        std::ranges::sort(names, {}, [](const std::string* name) -> const std::string& { return *name; });
        const auto twice =
            std::ranges::adjacent_find(names, [](const std::string* a, const std::string* b) { return *a == *b; });
        return twice == names.end() ? nullptr : *twice;
    }

    const Limits& limits_;
    std::vector<Open> open_;
    std::size_t values_ = 0;
};

std::string_view reason(rapidjson::ParseErrorCode code) {
    using namespace rapidjson;
    switch (code) {
    case kParseErrorDocumentEmpty: return "the document is empty";
    case kParseErrorDocumentRootNotSingular: return "unexpected text after the document";
    case kParseErrorObjectMissName: return "expected a member name in double quotes or '}'";
    case kParseErrorObjectMissColon: return "expected ':'";
    case kParseErrorObjectMissCommaOrCurlyBracket: return "expected ',' or '}'";
    case kParseErrorArrayMissCommaOrSquareBracket: return "expected ',' or ']'";
    case kParseErrorStringUnicodeEscapeInvalidHex: return "expected four hex digits after '\\u'";
    case kParseErrorStringUnicodeSurrogateInvalid: return "invalid surrogate pair";
    case kParseErrorStringEscapeInvalid: return "invalid escape sequence";
    case kParseErrorStringMissQuotationMark: return "string without closing quote";
    case kParseErrorStringInvalidEncoding: return "invalid character in a string";
    case kParseErrorNumberTooBig: return "number too big";
    case kParseErrorNumberMissFraction: return "expected digits after '.'";
    case kParseErrorNumberMissExponent: return "expected digits of an exponent";
    default: return "expected a value";
    }
}

[[noreturn]] void fail(std::string_view text, std::string_view where, std::size_t offset, std::string_view why) {
    const std::string_view before = text.substr(0, std::min(offset, text.size()));
    const auto line = std::ranges::count(before, '\n') + 1;
    const std::size_t line_start = before.rfind('\n') + 1; // npos + 1 is 0: the first line
    throw Error("{}: line {}, column {}: {}", where, line, before.size() - line_start + 1, why);
}

} // namespace

Value parse(std::string_view text, std::string_view where, const Limits& limits) {
    if (text.size() > limits.bytes) throw Error("{}: larger than the {} bytes allowed", where, limits.bytes);
    // RapidJSON takes a zero byte for the end of its input, whatever comes behind it.
    if (const auto zero = text.find('\0'); zero != std::string_view::npos)
        fail(text, where, zero, "unexpected zero byte");
    constexpr unsigned flags =
        rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag;
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    Builder builder(limits);
    if (const auto result = reader.Parse<flags>(stream, builder); result.IsError()) {
        const bool ours = result.Code() == rapidjson::kParseErrorTermination;
        fail(text, where, result.Offset(), ours ? builder.problem : reason(result.Code()));
    }
    return std::move(builder.root);
}

namespace {

void write_escaped(std::string& out, char32_t c) { out += fmt::format("\\u{:04x}", std::uint32_t{c}); }

void write_string(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t start = at;
        const auto c = next_code_point(text, at);
        if (!c) out += "\\ufffd";
        else if (*c == '"' || *c == '\\') (out += '\\') += static_cast<char>(*c);
        else if (*c == '\n') out += "\\n";
        else if (*c == '\r') out += "\\r";
        else if (*c == '\t') out += "\\t";
        else if (*c < 0x20 || *c == 0x2028 || *c == 0x2029) write_escaped(out, *c);
        else out += text.substr(start, at - start);
    }
    out += '"';
}

/// As Go: plain notation between 1e-6 and 1e21, else an exponent without leading zeros.
void write_double(std::string& out, double d) {
    if (!std::isfinite(d)) {
        out += "null"; // JSON has no word for it
        return;
    }
    const double size = std::fabs(d);
    if (size == 0) d = 0; // "-0" would read back as an integer
    const bool plain = size == 0 || (size >= 1e-6 && size < 1e21);
    char text[64];
    const auto end =
        std::to_chars(text, text + sizeof text, d, plain ? std::chars_format::fixed : std::chars_format::scientific)
            .ptr;
    std::string_view digits(text, static_cast<std::size_t>(end - text));
    out += digits;
    // "e-07" becomes "e-7"; the middle digit of "e+105" stays.
    if (const std::size_t n = out.size(); !plain && out[n - 2] == '0' && out[n - 4] == 'e') out.erase(n - 2, 1);
}

class Writer {
public:
    explicit Writer(int indent) : indent_(indent) {}
    std::string out;

    void write(const Value& value) {
        if (value.is_null()) out += "null";
        else if (value.is_bool()) out += value.as_bool() ? "true" : "false";
        else if (value.is_signed()) fmt::format_to(std::back_inserter(out), "{}", value.as_signed());
        else if (value.is_unsigned()) fmt::format_to(std::back_inserter(out), "{}", value.as_unsigned());
        else if (value.is_double()) write_double(out, value.as_double());
        else if (value.is_string()) write_string(out, value.as_string());
        else write_container(value);
    }

private:
    void write_container(const Value& value) {
        const bool is_list = value.is_list();
        out += is_list ? '[' : '{';
        ++level_;
        bool first = true;
        const auto separate = [&] {
            if (!first) out += ',';
            first = false;
            new_line();
        };
        if (is_list) {
            for (const Value& item : value.as_list()) {
                separate();
                write(item);
            }
        } else {
            for (const auto& [name, item] : value.as_object()) {
                separate();
                write_string(out, name);
                out += indent_ > 0 ? ": " : ":";
                write(item);
            }
        }
        --level_;
        if (!first) new_line();
        out += is_list ? ']' : '}';
    }
    void new_line() {
        if (indent_ == 0) return;
        out += '\n';
        out.append(static_cast<std::size_t>(indent_) * static_cast<std::size_t>(level_), ' ');
    }

    int indent_;
    int level_ = 0;
};

} // namespace

std::string dump(const Value& value) {
    Writer writer(0);
    writer.write(value);
    return std::move(writer.out);
}

std::string dump_pretty(const Value& value, int indent) {
    Writer writer(indent);
    writer.write(value);
    return std::move(writer.out);
}

} // namespace kist::json
