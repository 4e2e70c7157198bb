// SPDX-License-Identifier: Apache-2.0
// Template functions on texts: those that docker and podman add, and Go's escapers.

#include <algorithm>

#include "cli/format/functions.hh"
#include "cli/format/print.hh"
#include "cli/format/utf8.hh"

namespace kist::cli {
namespace {

/// The one text given, or all arguments printed: what Go's escapers work on.
std::string escaper_input(Arguments arguments, const Budget& budget) {
    if (arguments.size() == 1 && arguments[0] && arguments[0]->is_string()) return arguments[0]->as_string();
    std::vector<Ref> printable(arguments.begin(), arguments.end());
    for (Ref& argument : printable)
        if (!argument || argument->is_null()) argument = make_ref("<no value>");
    return sprint(printable, budget);
}

/// Case pairs of Latin-1, Greek and Cyrillic lie a fixed distance apart; others are left alone.
char32_t to_upper_point(char32_t c) {
    if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 0x20 : c;
    bool latin = c >= 0xE0 && c <= 0xFE && c != 0xF7;
    bool greek = c >= 0x3B1 && c <= 0x3C9 && c != 0x3C2;
    bool cyrillic = c >= 0x430 && c <= 0x44F;
    if (latin || greek || cyrillic) return c - 0x20;
    return c >= 0x450 && c <= 0x45F ? c - 0x50 : c;
}
char32_t to_lower_point(char32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
    bool latin = c >= 0xC0 && c <= 0xDE && c != 0xD7;
    bool greek = c >= 0x391 && c <= 0x3A9 && c != 0x3A2;
    bool cyrillic = c >= 0x410 && c <= 0x42F;
    if (latin || greek || cyrillic) return c + 0x20;
    return c >= 0x400 && c <= 0x40F ? c + 0x50 : c;
}

template <typename Change>
std::string map_points(std::string_view text, Change change) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        CodePoint next = decode_utf8(text);
        append_utf8(result, change(next.point));
        text.remove_prefix(next.length);
    }
    return result;
}

/// What begins a new word for `title`.
bool separates_words(char32_t c) {
    bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c > 0xBF;
    return !word;
}

void append_html(std::string& to, char c) {
    switch (c) {
    case '<': to += "&lt;"; break;
    case '>': to += "&gt;"; break;
    case '&': to += "&amp;"; break;
    case '\'': to += "&#39;"; break;
    case '"': to += "&#34;"; break;
    case '\0': append_utf8(to, replacement_character); break;
    default: to += c;
    }
}

void append_js(std::string& to, char32_t c) {
    switch (c) {
    case '\\': to += "\\\\"; return;
    case '\'': to += "\\'"; return;
    case '"': to += "\\\""; return;
    case '<':
    case '>':
    case '&':
    case '=': break;
    default:
        if (is_printable(c)) return append_utf8(to, c);
    }
    to += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
}

std::size_t pad_width(Arguments arguments, std::size_t index) {
    std::int64_t width = integer_argument(arguments, index);
    if (width < 0) throw CallError("negative padding: {}", width);
    return static_cast<std::size_t>(width);
}

} // namespace

const std::string& string_argument(Arguments arguments, std::size_t index) {
    const Ref& ref = arguments[index];
    if (!ref || ref->is_null()) throw ArgumentError(index, "invalid value; expected string");
    if (!ref->is_string())
        throw ArgumentError(index, "wrong type for value; expected string; got {}", type_name(ref.get()));
    return ref->as_string();
}

std::int64_t integer_argument(Arguments arguments, std::size_t index) {
    const Ref& ref = arguments[index];
    if (!ref || ref->is_null()) throw ArgumentError(index, "invalid value; expected int");
    if (ref->is_signed()) return ref->as_signed();
    throw ArgumentError(index, "wrong type for value; expected int; got {}", type_name(ref.get()));
}

Ref call_join(Arguments arguments, Budget& budget) {
    const Ref& list = arguments[0];
    const std::string& separator = string_argument(arguments, 1);
    if (!list) throw ArgumentError(0, "invalid value; expected []string");
    if (list->is_null()) return make_ref(""); // an empty list of Docker's
    auto wrong = [&]() -> ArgumentError {
        return ArgumentError(0, "wrong type for value; expected []string; got {}", type_name(list.get()));
    };
    if (!list->is_list()) throw wrong();
    std::size_t size = 0;
    for (const Value& item : list->as_list()) {
        if (!item.is_string()) throw wrong();
        size += item.as_string().size() + separator.size();
    }
    budget.make(size);
    std::string text;
    text.reserve(size);
    for (const Value& item : list->as_list()) {
        if (&item != list->as_list().data()) text += separator;
        text += item.as_string();
    }
    return make_ref(std::move(text));
}

Ref call_split(Arguments arguments, Budget& budget) {
    std::string_view text = string_argument(arguments, 0);
    std::string_view separator = string_argument(arguments, 1);
    Value::List parts;
    auto add = [&](std::string_view part) {
        budget.make(sizeof(Value) + part.size());
        parts.emplace_back(part);
    };
    while (separator.empty() && !text.empty()) {
        std::size_t length = decode_utf8(text).length;
        add(text.substr(0, length));
        text.remove_prefix(length);
    }
    if (separator.empty()) return make_ref(std::move(parts));
    for (std::size_t at; (at = text.find(separator)) != std::string_view::npos;) {
        add(text.substr(0, at));
        text.remove_prefix(at + separator.size());
    }
    add(text);
    return make_ref(std::move(parts));
}

Ref call_title(Arguments arguments, Budget& budget) {
    bool begins = true;
    return made(map_points(string_argument(arguments, 0),
                           [&](char32_t c) {
                               char32_t changed = begins ? to_upper_point(c) : c;
                               begins = separates_words(c);
                               return changed;
                           }),
                budget);
}
Ref call_lower(Arguments arguments, Budget& budget) {
    return made(map_points(string_argument(arguments, 0), to_lower_point), budget);
}
Ref call_upper(Arguments arguments, Budget& budget) {
    return made(map_points(string_argument(arguments, 0), to_upper_point), budget);
}

Ref call_pad(Arguments arguments, Budget& budget) {
    const std::string& text = string_argument(arguments, 0);
    std::size_t before = pad_width(arguments, 1);
    std::size_t after = pad_width(arguments, 2);
    if (text.empty()) return arguments[0];
    budget.make(std::max(before, after));
    budget.make(before + after + text.size());
    return make_ref(std::string(before, ' ') + text + std::string(after, ' '));
}

/// By bytes, as Docker's; a character that would be cut in two is left out whole.
Ref call_truncate(Arguments arguments, Budget& budget) {
    const std::string& text = string_argument(arguments, 0);
    std::int64_t length = integer_argument(arguments, 1);
    if (length < 0) throw CallError("negative length: {}", length);
    if (text.size() <= static_cast<std::uint64_t>(length)) return arguments[0];
    auto end = static_cast<std::size_t>(length);
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return made(text.substr(0, end), budget);
}

Ref call_html(Arguments arguments, Budget& budget) {
    std::string text;
    for (char c : escaper_input(arguments, budget)) {
        append_html(text, c);
        budget.check_output(text.size());
    }
    return made(std::move(text), budget);
}

Ref call_js(Arguments arguments, Budget& budget) {
    std::string input = escaper_input(arguments, budget);
    std::string text;
    for (std::string_view rest = input; !rest.empty();) {
        CodePoint next = decode_utf8(rest);
        append_js(text, next.point);
        rest.remove_prefix(next.length);
        budget.check_output(text.size());
    }
    return made(std::move(text), budget);
}

Ref call_urlquery(Arguments arguments, Budget& budget) {
    std::string text;
    for (char c : escaper_input(arguments, budget)) {
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                     c == '_' || c == '.' || c == '~';
        if (plain) text += c;
        else if (c == ' ') text += '+';
        else text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        budget.check_output(text.size());
    }
    return made(std::move(text), budget);
}

} // namespace kist::cli
