// SPDX-License-Identifier: Apache-2.0
// Reads formats of Go's Printf. What does not fit is said in the output: %!d(string=x),
// %!d(MISSING), %!(EXTRA int=1).

#include <algorithm>
#include <optional>

#include "cli/format/print.hh"
#include "cli/format/utf8.hh"
#include "cli/format/value_printer.hh"

namespace kist::cli {
namespace {

constexpr std::size_t widest = 1'000'000; // Go's own bound for width and precision

/// Walks over a format of Printf.
class Formatter {
public:
    Formatter(std::string_view format, Arguments arguments, Budget& budget)
        : format_(format), arguments_(arguments), budget_(budget) {}

    std::string run() {
        while (at_ < format_.size()) {
            std::size_t percent = format_.find('%', at_);
            out_ += format_.substr(at_, percent == std::string_view::npos ? percent : percent - at_);
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
        PrintSpec spec;
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
        if (verb.point == '%') out_ += '%';
        else if (bad_index_) note(verb.point, "(BADINDEX)");
        else if (used_ >= arguments_.size()) note(verb.point, "(MISSING)");
        else append_formatted(out_, arguments_[used_++].get(), spec);
    }
    void note(char32_t verb, std::string_view what) {
        out_ += "%!";
        append_utf8(out_, verb);
        out_ += what;
    }

    void flags(PrintSpec& spec) {
        for (;; ++at_) {
            switch (peek()) {
            case '#': spec.sharp = true; break;
            case '0': spec.zero = !spec.minus; break;
            case '+': spec.plus = true; break;
            case '-':
                spec.minus = true;
                spec.zero = false;
                break;
            case ' ': spec.space = true; break;
            default: return;
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
        if (good) used_ = *number - 1;
        else bad_index_ = true;
    }

    std::optional<std::size_t> decimal() {
        if (peek() < '0' || peek() > '9') return std::nullopt;
        std::size_t number = 0;
        for (; peek() >= '0' && peek() <= '9'; ++at_)
            number = std::min<std::size_t>(number * 10 + static_cast<std::size_t>(peek() - '0'), widest + 1);
        return number;
    }

    void width(PrintSpec& spec) {
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

    void precision(PrintSpec& spec) {
        ++at_;
        if (after_index_) bad_index_ = true;
        argument_number();
        if (peek() == '*') {
            ++at_;
            std::optional<std::int64_t> number = integer_from_arguments();
            if (!number || *number < 0) out_ += "%!(BADPREC)";
            else spec.precision = static_cast<std::size_t>(*number);
            after_index_ = false;
            return;
        }
        std::size_t number = decimal().value_or(0);
        if (number > widest) out_ += "%!(BADPREC)";
        else spec.precision = number;
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

std::string sprintf(std::string_view format, Arguments arguments, Budget& budget) {
    return Formatter(format, arguments, budget).run();
}

} // namespace kist::cli
