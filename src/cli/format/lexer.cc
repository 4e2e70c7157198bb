// SPDX-License-Identifier: Apache-2.0
// The lexical rules are those of Go's text/template: "{{- " and " -}}" need their blank, a comment
// fills its action.

#include "cli/format/lexer.hh"

#include "cli/format/utf8.hh"

namespace kist::cli {
namespace {

constexpr std::string_view open_mark = "{{";
constexpr std::string_view close_mark = "}}";
constexpr std::string_view blanks = " \t\r\n";

bool is_blank(char c) { return blanks.find(c) != std::string_view::npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// Letters beyond ASCII are taken for what they nearly always are in a name.
bool is_word(char c) {
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
public:
    explicit Lexer(const Source& source) : source_(source), text_(source.text), at_(source.begin) {}

    std::vector<Token> run() {
        while (at_ < text_.size()) {
            literal();
            if (at_ < text_.size()) action();
        }
        push(TokenKind::end, text_.size(), text_.size());
        return std::move(tokens_);
    }

private:
    void push(TokenKind kind, std::size_t begin, std::size_t end) {
        tokens_.push_back({kind, text_.substr(begin, end - begin), begin, space_});
        space_ = false;
    }
    bool at(std::string_view what) const { return text_.substr(at_).starts_with(what); }
    char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    /// "-}}" after a blank.
    bool at_trimming_close() const { return at("-}}"); }

    void literal() {
        std::size_t begin = at_;
        std::size_t open = text_.find(open_mark, at_);
        std::size_t end = open == std::string_view::npos ? text_.size() : open;
        at_ = end;
        if (trim_next_) {
            while (begin < end && is_blank(text_[begin])) ++begin;
            trim_next_ = false;
        }
        if (opens_trimming())
            while (begin < end && is_blank(text_[end - 1])) --end;
        if (begin < end) push(TokenKind::text, begin, end);
    }
    bool opens_trimming() const { return at("{{-") && is_blank(peek(3)); }

    void action() {
        std::size_t begin = at_;
        bool trims = opens_trimming();
        at_ += 2;
        if (text_.substr(at_ + (trims ? 2 : 0)).starts_with("/*")) return comment(begin);
        if (trims) ++at_;
        space_ = false;
        push(TokenKind::open, begin, begin + 2);
        while (!closed(begin)) word();
    }
    void comment(std::size_t begin) {
        std::size_t end = text_.find("*/", begin + 4);
        if (end == std::string_view::npos) source_.fail_parse(begin, "unclosed comment");
        at_ = end + 2;
        if (at(close_mark)) {
            at_ += 2;
            return;
        }
        if (is_blank(peek()) && text_.substr(at_ + 1).starts_with("-}}")) {
            at_ += 4;
            trim_next_ = true;
            return;
        }
        source_.fail_parse(at_, "comment ends before closing delimiter");
    }

    /// Skips blanks; true when that reached and took the end of the action.
    bool closed(std::size_t begin) {
        while (is_blank(peek())) {
            ++at_;
            space_ = true;
        }
        if (at_ >= text_.size()) source_.fail_parse(begin, "unclosed action");
        bool trims = space_ && at_trimming_close();
        if (!trims && !at(close_mark)) return false;
        if (trims) ++at_;
        push(TokenKind::close, at_, at_ + 2);
        at_ += 2;
        trim_next_ = trims;
        return true;
    }

    void word() {
        char c = peek();
        if (c == '"') return quoted('"', TokenKind::string, "unterminated quoted string");
        if (c == '\'') return quoted('\'', TokenKind::character, "unterminated character constant");
        if (c == '`') return raw();
        if (c == '$') return name(TokenKind::variable);
        if (c == '.' && !is_digit(peek(1))) return is_word(peek(1)) ? name(TokenKind::field) : mark(TokenKind::dot, 1);
        if (is_digit(c) || c == '.' || c == '+' || c == '-') return number();
        if (is_word(c)) return name(TokenKind::identifier);
        if (at(":=")) return mark(TokenKind::declare, 2);
        switch (c) {
        case '=': return mark(TokenKind::assign, 1);
        case '|': return mark(TokenKind::pipe, 1);
        case '(': return mark(TokenKind::left_paren, 1);
        case ')': return mark(TokenKind::right_paren, 1);
        case ',': return mark(TokenKind::comma, 1);
        case ':': source_.fail_parse(at_, "expected :=");
        default:
            source_.fail_parse(
                at_, "unrecognized character in action: " + unicode_name(decode_utf8(text_.substr(at_)).point));
        }
    }

    void mark(TokenKind kind, std::size_t length) {
        push(kind, at_, at_ + length);
        at_ += length;
    }

    void quoted(char quote, TokenKind kind, std::string_view unterminated) {
        std::size_t begin = at_++;
        while (peek() != quote) {
            if (at_ >= text_.size() || peek() == '\n') source_.fail_parse(begin, unterminated);
            at_ += peek() == '\\' && at_ + 1 < text_.size() && peek(1) != '\n' ? 2 : 1;
        }
        push(kind, begin, ++at_);
    }

    void raw() {
        std::size_t begin = at_;
        std::size_t end = text_.find('`', at_ + 1);
        if (end == std::string_view::npos) source_.fail_parse(begin, "unterminated raw quoted string");
        at_ = end + 1;
        push(TokenKind::raw_string, begin, at_);
    }

    /// The first character is known to be right.
    void name(TokenKind kind) {
        std::size_t begin = at_++;
        while (is_word(peek())) ++at_;
        if (!ends_word()) {
            source_.fail_parse(at_, "bad character " + unicode_name(decode_utf8(text_.substr(at_)).point));
        }
        push(kind, begin, at_);
    }
    bool ends_word() const {
        return at_ >= text_.size() || is_blank(peek()) || at(close_mark) ||
               std::string_view(".,|:=()").find(peek()) != std::string_view::npos;
    }

    void number() {
        std::size_t begin = at_;
        if (peek() == '+' || peek() == '-') ++at_;
        bool hexadecimal = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
        char exponent = hexadecimal ? 'p' : 'e';
        while (is_word(peek()) || peek() == '.' ||
               ((peek() == '+' || peek() == '-') && (text_[at_ - 1] | 0x20) == exponent && at_ > begin + 1))
            ++at_;
        if (at_ == begin) ++at_;
        push(TokenKind::number, begin, at_);
    }

    const Source& source_;
    std::string_view text_;
    std::size_t at_;
    bool space_ = false;
    bool trim_next_ = false;
    std::vector<Token> tokens_;
};

} // namespace

std::vector<Token> tokenize(const Source& source) { return Lexer(source).run(); }

std::string shown(const Token& token) {
    constexpr std::size_t longest = 10;
    if (token.kind == TokenKind::end) return "EOF";
    if (token.kind == TokenKind::identifier) return "<" + std::string(token.text) + ">";
    if (token.text.size() > longest) return go_quote(token.text.substr(0, longest)) + "...";
    return go_quote(token.text);
}

} // namespace kist::cli
