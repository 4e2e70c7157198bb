// SPDX-License-Identifier: Apache-2.0
// How Go's fmt prints each kind of value under each verb and flag.

#include "cli/format/value_printer.hh"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cli/format/float_text.hh"
#include "cli/format/print.hh"
#include "cli/format/utf8.hh"

namespace kist::cli {
namespace {

std::vector<const Value::Member*> sorted(const Value& object) {
    std::vector<const Value::Member*> members;
    for (const Value::Member& member : object.as_object()) members.push_back(&member);
    std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->first < b->first; });
    return members;
}

/// Appends the text of one value after another; a directive of Printf applies to every element of a
/// list or object.
class Printer {
public:
    Printer(std::string& to, const PrintSpec& spec) : to_(to), spec_(spec) {
        if (spec_.verb == 'v') spec_.plus = false; // %+v names the fields of structs, and there are none
    }

    void value(const Value* value) {
        if (spec_.verb == 'T') return padded(type_name(value));
        if (value == nullptr || value->is_null()) return nil();
        if (value->is_bool()) return boolean(*value);
        if (value->is_integer()) return integer(*value);
        if (value->is_double()) return floating(*value);
        if (value->is_string()) return text(*value);
        if (value->is_list()) return list(*value);
        object(*value);
    }

private:
    bool go_syntax() const { return spec_.verb == 'v' && spec_.sharp; }

    void padded(std::string_view text) {
        std::size_t width = spec_.width.value_or(0);
        std::size_t have = width == 0 ? 0 : count_code_points(text);
        std::size_t fill = width > have ? width - have : 0;
        if (spec_.minus) {
            to_ += text;
            to_.append(fill, ' ');
        } else {
            to_.append(fill, spec_.zero ? '0' : ' ');
            to_ += text;
        }
    }

    void bad_verb(const Value* value) {
        to_ += "%!";
        append_utf8(to_, spec_.verb);
        to_ += '(';
        if (value == nullptr || value->is_null()) {
            to_ += "<nil>";
        } else {
            to_ += type_name(value);
            to_ += '=';
            append_value(to_, value);
        }
        to_ += ')';
    }

    void nil() {
        if (nested_ > 0) {
            to_ += go_syntax() ? "interface {}(nil)" : "<nil>";
            return;
        }
        if (spec_.verb != 'v') return bad_verb(nullptr);
        padded("<nil>");
    }

    void boolean(const Value& value) {
        if (spec_.verb != 'v' && spec_.verb != 't') return bad_verb(&value);
        padded(value.as_bool() ? "true" : "false");
    }

    void integer(const Value& value) {
        bool negative = value.is_signed() && value.as_signed() < 0;
        std::uint64_t magnitude =
            value.is_signed() ? static_cast<std::uint64_t>(value.as_signed()) : value.as_unsigned();
        if (negative) magnitude = 0 - magnitude;
        switch (spec_.verb) {
        case 'v':
            if (spec_.sharp && value.is_unsigned()) return digits(magnitude, negative, "0x", fmt_base(magnitude, 16));
            return digits(magnitude, negative, "", fmt_base(magnitude, 10));
        case 'd': return digits(magnitude, negative, "", fmt_base(magnitude, 10));
        case 'b': return digits(magnitude, negative, spec_.sharp ? "0b" : "", fmt_base(magnitude, 2));
        case 'o': return digits(magnitude, negative, spec_.sharp && magnitude != 0 ? "0" : "", fmt_base(magnitude, 8));
        case 'O': return digits(magnitude, negative, "0o", fmt_base(magnitude, 8));
        case 'x': return digits(magnitude, negative, spec_.sharp ? "0x" : "", fmt_base(magnitude, 16));
        case 'X': return digits(magnitude, negative, spec_.sharp ? "0X" : "", fmt::format("{:X}", magnitude));
        case 'c': return character(magnitude, negative);
        case 'q':
            return padded(
                go_quote_character(code_point(magnitude, negative), spec_.plus ? Quoting::ascii : Quoting::unicode));
        case 'U': return unicode(magnitude, negative, value);
        default: bad_verb(&value);
        }
    }
    static std::string fmt_base(std::uint64_t n, int base) {
        if (base == 2) return fmt::format("{:b}", n);
        if (base == 8) return fmt::format("{:o}", n);
        return base == 16 ? fmt::format("{:x}", n) : fmt::format("{}", n);
    }
    static char32_t code_point(std::uint64_t magnitude, bool negative) {
        return negative || magnitude > 0x10FFFF ? replacement_character : static_cast<char32_t>(magnitude);
    }
    void character(std::uint64_t magnitude, bool negative) {
        std::string text;
        append_utf8(text, code_point(magnitude, negative));
        padded(text);
    }
    void unicode(std::uint64_t magnitude, bool negative, const Value& value) {
        if (negative) return bad_verb(&value);
        std::string text = fmt::format("U+{:0{}X}", magnitude, std::max<std::size_t>(4, spec_.precision.value_or(4)));
        if (spec_.sharp && magnitude <= 0x10FFFF && is_printable(static_cast<char32_t>(magnitude))) {
            text += " '";
            append_utf8(text, static_cast<char32_t>(magnitude));
            text += '\'';
        }
        PrintSpec plain = spec_;
        plain.zero = false;
        Printer(to_, plain).padded(text);
    }

    /// Sign, base prefix, zeros up to the precision (or, with the flag 0, up to the width), digits.
    void digits(std::uint64_t magnitude, bool negative, std::string_view prefix, std::string_view number) {
        std::string sign = negative ? "-" : spec_.plus ? "+" : spec_.space ? " " : "";
        if (spec_.precision && *spec_.precision == 0 && magnitude == 0) {
            to_.append(spec_.width.value_or(0), ' ');
            return;
        }
        std::size_t least = spec_.precision.value_or(0);
        bool zeros = spec_.zero && !spec_.minus && !spec_.precision && spec_.width;
        if (zeros && *spec_.width > sign.size()) least = *spec_.width - sign.size();
        std::string text = sign + std::string(prefix);
        if (least > number.size()) text.append(least - number.size(), '0');
        text += number;
        PrintSpec plain = spec_;
        plain.zero = false;
        Printer(to_, plain).padded(text);
    }

    void floating(const Value& value) {
        double number = value.as_double();
        char32_t verb = spec_.verb;
        std::string text;
        switch (verb) {
        case 'v':
        case 'g':
        case 'G':
            text = float_general(number, spec_.precision);
            if (verb == 'G') std::replace(text.begin(), text.end(), 'e', 'E');
            break;
        case 'e': text = float_exponent(number, spec_.precision); break;
        case 'E':
            text = float_exponent(number, spec_.precision);
            std::replace(text.begin(), text.end(), 'e', 'E');
            break;
        case 'f':
        case 'F': text = float_fixed(number, spec_.precision.value_or(6)); break;
        default: return bad_verb(&value);
        }
        signed_float(std::move(text), number);
    }
    void signed_float(std::string text, double number) {
        if (!std::signbit(number) && spec_.plus) text.insert(0, "+");
        else if (!std::signbit(number) && spec_.space) text.insert(0, " ");
        bool zeros = spec_.zero && !spec_.minus && spec_.width && *spec_.width > text.size();
        if (zeros) {
            std::size_t at = text[0] == '-' || text[0] == '+' || text[0] == ' ';
            text.insert(at, *spec_.width - text.size(), '0');
        }
        padded(text);
    }

    void text(const Value& value) {
        std::string_view all = value.as_string();
        std::string_view cut = all;
        if (spec_.precision) {
            std::size_t end = 0;
            for (std::size_t n = 0; n < *spec_.precision && end < all.size(); ++n)
                end += decode_utf8(all.substr(end)).length;
            cut = all.substr(0, end);
        }
        Quoting quoting = spec_.plus ? Quoting::ascii : Quoting::unicode;
        switch (spec_.verb) {
        case 'v': return padded(spec_.sharp ? go_quote(cut) : std::string(cut));
        case 's': return padded(cut);
        case 'q':
            if (spec_.sharp && fits_raw(cut)) return padded("`" + std::string(cut) + "`");
            return padded(go_quote(cut, quoting));
        case 'x': return padded(hexadecimal(all, "0123456789abcdef", 'x'));
        case 'X': return padded(hexadecimal(all, "0123456789ABCDEF", 'X'));
        default: bad_verb(&value);
        }
    }
    static bool fits_raw(std::string_view text) {
        while (!text.empty()) {
            CodePoint next = decode_utf8(text);
            bool control = next.point < 0x20 && next.point != '\t';
            if (!next.valid || control || next.point == '`' || next.point == 0x7F || next.point == 0xFEFF) return false;
            text.remove_prefix(next.length);
        }
        return true;
    }
    std::string hexadecimal(std::string_view bytes, std::string_view letters, char mark) const {
        if (spec_.precision) bytes = bytes.substr(0, *spec_.precision);
        std::string text;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            if (spec_.space && i > 0) text += ' ';
            if (spec_.sharp && (spec_.space || i == 0)) (text += '0') += mark;
            auto byte = static_cast<unsigned char>(bytes[i]);
            (text += letters[byte >> 4]) += letters[byte & 15];
        }
        return text;
    }

    void list(const Value& value) {
        bool first = true;
        to_ += go_syntax() ? "[]interface {}{" : "[";
        ++nested_;
        for (const Value& item : value.as_list()) {
            if (!first) to_ += go_syntax() ? ", " : " ";
            first = false;
            this->value(&item);
        }
        --nested_;
        to_ += go_syntax() ? '}' : ']';
    }

    void object(const Value& value) {
        bool first = true;
        to_ += go_syntax() ? "map[string]interface {}{" : "map[";
        ++nested_;
        for (const Value::Member* member : sorted(value)) {
            if (!first) to_ += go_syntax() ? ", " : " ";
            first = false;
            text(member->first);
            to_ += ':';
            this->value(&member->second);
        }
        --nested_;
        to_ += go_syntax() ? '}' : ']';
    }

    std::string& to_;
    PrintSpec spec_;
    int nested_ = 0;
};

} // namespace

void append_formatted(std::string& to, const Value* value, const PrintSpec& spec) { Printer(to, spec).value(value); }

} // namespace kist::cli
