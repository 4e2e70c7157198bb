// SPDX-License-Identifier: Apache-2.0
// fmt finds the shortest digits; where the point and the exponent go is Go's rule, not fmt's.

#include "cli/format/float_text.hh"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

namespace kist::cli {
namespace {

/// 0.d1d2d3… times 10 to the `point`.
struct Decimal {
    std::string digits;
    int point = 0;
};

Decimal shortest(double magnitude) {
    if (magnitude == 0) return {"0", 1};
    std::string text = fmt::format("{}", magnitude);
    int exponent = 0;
    if (std::size_t e = text.find('e'); e != std::string::npos) {
        const char* begin = text.data() + e + 1 + (text[e + 1] == '+');
        std::from_chars(begin, text.data() + text.size(), exponent);
        text.resize(e);
    }
    std::size_t dot = text.find('.');
    int point = exponent + static_cast<int>(std::min(dot, text.size()));
    if (dot != std::string::npos) text.erase(dot, 1);
    std::size_t leading = text.find_first_not_of('0');
    text.erase(0, leading);
    text.erase(text.find_last_not_of('0') + 1);
    return {text, point - static_cast<int>(leading)};
}

std::string with_exponent(const Decimal& number) {
    std::string text = number.digits.substr(0, 1);
    if (number.digits.size() > 1) text += "." + number.digits.substr(1);
    int exponent = number.point - 1;
    return text + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
}

std::string without_exponent(const Decimal& number) {
    int count = static_cast<int>(number.digits.size());
    if (number.point <= 0) return "0." + std::string(static_cast<std::size_t>(-number.point), '0') + number.digits;
    auto point = static_cast<std::size_t>(number.point);
    if (number.point >= count) return number.digits + std::string(point - number.digits.size(), '0');
    return number.digits.substr(0, point) + "." + number.digits.substr(point);
}

bool special(double number) { return !std::isfinite(number); }
std::string special_text(double number) {
    if (std::isnan(number)) return "NaN";
    return number < 0 ? "-Inf" : "+Inf";
}

} // namespace

std::string float_general(double number, std::optional<std::size_t> precision) {
    if (special(number)) return special_text(number);
    if (precision) return fmt::format("{:.{}g}", number, std::max<std::size_t>(1, *precision));
    constexpr int first_scientific = 6; // 100000 but 1e+06, however many digits are needed
    Decimal decimal = shortest(std::fabs(number));
    int exponent = decimal.point - 1;
    bool scientific = exponent < -4 || exponent >= first_scientific;
    std::string text = scientific ? with_exponent(decimal) : without_exponent(decimal);
    return std::signbit(number) ? "-" + text : text;
}

std::string float_exponent(double number, std::optional<std::size_t> precision) {
    if (special(number)) return special_text(number);
    return fmt::format("{:.{}e}", number, precision.value_or(6));
}

std::string float_fixed(double number, std::size_t precision) {
    if (special(number)) return special_text(number);
    return fmt::format("{:.{}f}", number, precision);
}

} // namespace kist::cli
