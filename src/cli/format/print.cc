// SPDX-License-Identifier: Apache-2.0
// The printing rules of Go's fmt: plain forms of every kind of value, and Printf's verbs.

#include "cli/format/print.hh"

#include <algorithm>
#include <cmath>
#include <optional>

#include "cli/format/float_text.hh"
#include "cli/format/utf8.hh"

namespace kist::cli {
namespace {

/// %[flags][width][.precision]verb
struct Spec {
    bool plus = false, minus = false, sharp = false, space = false, zero = false;
    std::optional<std::size_t> width, precision;
    char32_t verb = 'v';
};

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
    Printer(std::string& to, const Spec& spec) : to_(to), spec_(spec) {
        if (spec_.verb == 'v')
            spec_.plus = false; // %+v names the fields of structs, and there are none
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
                if (spec_.sharp && value.is_unsigned())
                    return digits(magnitude, negative, "0x", fmt_base(magnitude, 16));
                return digits(magnitude, negative, "", fmt_base(magnitude, 10));
            case 'd':
                return digits(magnitude, negative, "", fmt_base(magnitude, 10));
            case 'b':
                return digits(magnitude, negative, spec_.sharp ? "0b" : "", fmt_base(magnitude, 2));
            case 'o':
                return digits(magnitude, negative, spec_.sharp && magnitude != 0 ? "0" : "",
                              fmt_base(magnitude, 8));
            case 'O':
                return digits(magnitude, negative, "0o", fmt_base(magnitude, 8));
            case 'x':
                return digits(magnitude, negative, spec_.sharp ? "0x" : "",
                              fmt_base(magnitude, 16));
            case 'X':
                return digits(magnitude, negative, spec_.sharp ? "0X" : "",
                              fmt::format("{:X}", magnitude));
            case 'c':
                return character(magnitude, negative);
            case 'q':
                return padded(go_quote_character(code_point(magnitude, negative),
                                                 spec_.plus ? Quoting::ascii : Quoting::unicode));
            case 'U':
                return unicode(magnitude, negative, value);
            default:
                bad_verb(&value);
        }
    }
    static std::string fmt_base(std::uint64_t n, int base) {
        if (base == 2) return fmt::format("{:b}", n);
        if (base == 8) return fmt::format("{:o}", n);
        return base == 16 ? fmt::format("{:x}", n) : fmt::format("{}", n);
    }
    static char32_t code_point(std::uint64_t magnitude, bool negative) {
        return negative || magnitude > 0x10FFFF ? replacement_character
                                                : static_cast<char32_t>(magnitude);
    }
    void character(std::uint64_t magnitude, bool negative) {
        std::string text;
        append_utf8(text, code_point(magnitude, negative));
        padded(text);
    }
    void unicode(std::uint64_t magnitude, bool negative, const Value& value) {
        if (negative) return bad_verb(&value);
        std::string text = fmt::format("U+{:0{}X}", magnitude,
                                       std::max<std::size_t>(4, spec_.precision.value_or(4)));
        if (spec_.sharp && magnitude <= 0x10FFFF &&
            is_printable(static_cast<char32_t>(magnitude))) {
            text += " '";
            append_utf8(text, static_cast<char32_t>(magnitude));
            text += '\'';
        }
        Spec plain = spec_;
        plain.zero = false;
        Printer(to_, plain).padded(text);
    }

    /// Sign, base prefix, zeros up to the precision (or, with the flag 0, up to the width), digits.
    void digits(std::uint64_t magnitude, bool negative, std::string_view prefix,
                std::string_view number) {
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
        Spec plain = spec_;
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
            case 'e':
                text = float_exponent(number, spec_.precision);
                break;
            case 'E':
                text = float_exponent(number, spec_.precision);
                std::replace(text.begin(), text.end(), 'e', 'E');
                break;
            case 'f':
            case 'F':
                text = float_fixed(number, spec_.precision.value_or(6));
                break;
            default:
                return bad_verb(&value);
        }
        signed_float(std::move(text), number);
    }
    void signed_float(std::string text, double number) {
        if (!std::signbit(number) && spec_.plus)
            text.insert(0, "+");
        else if (!std::signbit(number) && spec_.space)
            text.insert(0, " ");
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
            case 'v':
                return padded(spec_.sharp ? go_quote(cut) : std::string(cut));
            case 's':
                return padded(cut);
            case 'q':
                if (spec_.sharp && fits_raw(cut)) return padded("`" + std::string(cut) + "`");
                return padded(go_quote(cut, quoting));
            case 'x':
                return padded(hexadecimal(all, "0123456789abcdef", 'x'));
            case 'X':
                return padded(hexadecimal(all, "0123456789ABCDEF", 'X'));
            default:
                bad_verb(&value);
        }
    }
    static bool fits_raw(std::string_view text) {
        while (!text.empty()) {
            CodePoint next = decode_utf8(text);
            bool control = next.point < 0x20 && next.point != '\t';
            if (!next.valid || control || next.point == '`' || next.point == 0x7F ||
                next.point == 0xFEFF)
                return false;
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
    Spec spec_;
    int nested_ = 0;
};

constexpr std::size_t widest = 1'000'000; // Go's own bound for width and precision

/// Walks over a format of Printf.
class Formatter {
public:
    Formatter(std::string_view format, Arguments arguments, Budget& budget)
        : format_(format), arguments_(arguments), budget_(budget) {}

    std::string run() {
        while (at_ < format_.size()) {
            std::size_t percent = format_.find('%', at_);
            out_ +=
                format_.substr(at_, percent == std::string_view::npos ? percent : percent - at_);
            if (percent == std::string_view::npos) break;
            at_ = percent + 1;
            directive();
            budget_.check_output(out_.size());
        }
        if (!reordered_ && used_ < arguments_.size()) extra();
        budget_.make(out_.size());
        return std::move(out_);
    }

private:
    char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }

    void directive() {
        Spec spec;
        bad_index_ = after_index_ = false;
        flags(spec);
        argument_number();
        width(spec);
        if (peek() == '.') precision(spec);
        if (!after_index_) argument_number();
        if (at_ >= format_.size()) {
            out_ += "%!(NOVERB)";
            return;
        }
        CodePoint verb = decode_utf8(format_.substr(at_));
        at_ += verb.length;
        spec.verb = verb.point;
        if (verb.point == '%')
            out_ += '%';
        else if (bad_index_)
            note(verb.point, "(BADINDEX)");
        else if (used_ >= arguments_.size())
            note(verb.point, "(MISSING)");
        else
            Printer(out_, spec).value(arguments_[used_++].get());
    }
    void note(char32_t verb, std::string_view what) {
        out_ += "%!";
        append_utf8(out_, verb);
        out_ += what;
    }

    void flags(Spec& spec) {
        for (;; ++at_) {
            switch (peek()) {
                case '#':
                    spec.sharp = true;
                    break;
                case '0':
                    spec.zero = !spec.minus;
                    break;
                case '+':
                    spec.plus = true;
                    break;
                case '-':
                    spec.minus = true;
                    spec.zero = false;
                    break;
                case ' ':
                    spec.space = true;
                    break;
                default:
                    return;
            }
        }
    }

    /// "[n]": the next argument is the n-th.
    void argument_number() {
        if (peek() != '[') return;
        reordered_ = true;
        after_index_ = true;
        std::size_t end = format_.find(']', at_);
        if (end == std::string_view::npos) {
            bad_index_ = true;
            ++at_;
            return;
        }
        std::size_t begin = at_ + 1;
        at_ = begin;
        std::optional<std::size_t> number = decimal();
        bool good = number && at_ == end && *number >= 1 && *number <= arguments_.size();
        at_ = end + 1;
        if (good)
            used_ = *number - 1;
        else
            bad_index_ = true;
    }

    std::optional<std::size_t> decimal() {
        if (peek() < '0' || peek() > '9') return std::nullopt;
        std::size_t number = 0;
        for (; peek() >= '0' && peek() <= '9'; ++at_)
            number = std::min<std::size_t>(number * 10 + static_cast<std::size_t>(peek() - '0'),
                                           widest + 1);
        return number;
    }

    void width(Spec& spec) {
        if (peek() == '*') {
            ++at_;
            std::optional<std::int64_t> number = integer_from_arguments();
            if (!number) {
                out_ += "%!(BADWIDTH)";
            } else if (*number < 0) {
                spec.minus = true;
                spec.zero = false;
                spec.width = static_cast<std::size_t>(-*number);
            } else {
                spec.width = static_cast<std::size_t>(*number);
            }
            after_index_ = false;
            return;
        }
        std::optional<std::size_t> number = decimal();
        if (number && after_index_) bad_index_ = true;
        if (number && *number > widest) {
            out_ += "%!(BADWIDTH)";
            number.reset();
        }
        spec.width = number;
    }

    void precision(Spec& spec) {
        ++at_;
        if (after_index_) bad_index_ = true;
        argument_number();
        if (peek() == '*') {
            ++at_;
            std::optional<std::int64_t> number = integer_from_arguments();
            if (!number || *number < 0)
                out_ += "%!(BADPREC)";
            else
                spec.precision = static_cast<std::size_t>(*number);
            after_index_ = false;
            return;
        }
        std::size_t number = decimal().value_or(0);
        if (number > widest)
            out_ += "%!(BADPREC)";
        else
            spec.precision = number;
    }

    std::optional<std::int64_t> integer_from_arguments() {
        if (used_ >= arguments_.size()) return std::nullopt;
        const Value* value = arguments_[used_++].get();
        if (value == nullptr || !value->is_signed()) return std::nullopt;
        std::int64_t number = value->as_signed();
        constexpr auto bound = static_cast<std::int64_t>(widest);
        if (number > bound || number < -bound) return std::nullopt;
        return number;
    }

    void extra() {
        out_ += "%!(EXTRA ";
        for (std::size_t i = used_; i < arguments_.size(); ++i) {
            if (i > used_) out_ += ", ";
            const Value* value = arguments_[i].get();
            if (value == nullptr || value->is_null()) {
                out_ += "<nil>";
                continue;
            }
            out_ += type_name(value);
            out_ += '=';
            append_value(out_, value);
        }
        out_ += ')';
    }

    std::string_view format_;
    Arguments arguments_;
    Budget& budget_;
    std::string out_;
    std::size_t at_ = 0;
    std::size_t used_ = 0;
    bool reordered_ = false;
    bool bad_index_ = false;
    bool after_index_ = false;
};

} // namespace

std::string_view type_name(const Value* value) {
    if (value == nullptr || value->is_null()) return "<nil>";
    if (value->is_bool()) return "bool";
    if (value->is_signed()) return "int";
    if (value->is_unsigned()) return "uint64";
    if (value->is_double()) return "float64";
    if (value->is_string()) return "string";
    return value->is_list() ? "[]interface {}" : "map[string]interface {}";
}

void append_value(std::string& to, const Value* value) {
    if (value != nullptr && value->is_string()) {
        to += value->as_string();
        return;
    }
    Spec plain;
    Printer(to, plain).value(value);
}

std::string sprint(Arguments arguments) {
    std::string text;
    bool before_string = true;
    for (const Ref& argument : arguments) {
        bool is_string = argument && argument->is_string();
        if (!before_string && !is_string) text += ' ';
        append_value(text, argument.get());
        before_string = is_string;
    }
    return text;
}

std::string sprintln(Arguments arguments) {
    std::string text;
    for (const Ref& argument : arguments) {
        if (!text.empty() || &argument != arguments.data()) text += ' ';
        append_value(text, argument.get());
    }
    return text + '\n';
}

std::string sprintf(std::string_view format, Arguments arguments, Budget& budget) {
    return Formatter(format, arguments, budget).run();
}

} // namespace kist::cli
