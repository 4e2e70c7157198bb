// SPDX-License-Identifier: Apache-2.0
// The grammar of options, as described in parse.hh.
#include "cli/scan.hh"

#include <string_view>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::cli {
namespace {

class Scanner {
public:
    Scanner(std::span<const OptionFacts* const> table, const std::vector<std::string>& args)
        : table_(table), args_(args) {}

    Scanned run(bool end_options_at_operand) {
        while (next_ < args_.size() && !result_.help) {
            const std::string& arg = args_[next_++];
            if (arg == "--") {
                take_rest();
            } else if (arg.size() > 2 && arg.starts_with("--")) {
                long_option(std::string_view(arg).substr(2));
            } else if (arg.size() > 1 && arg.starts_with('-')) {
                letters(std::string_view(arg).substr(1));
            } else {
                result_.operands.push_back(arg);
                if (end_options_at_operand) take_rest();
            }
        }
        return std::move(result_);
    }

private:
    void take_rest() {
        result_.operands.insert(result_.operands.end(), args_.begin() + static_cast<std::ptrdiff_t>(next_),
                                args_.end());
        next_ = args_.size();
    }

    const OptionFacts* find_long(std::string_view name) const {
        for (const OptionFacts* option : table_) {
            std::string_view names = option->long_names();
            while (!names.empty()) {
                const std::string_view spelling = names.substr(0, names.find(','));
                if (spelling == name) return option;
                names.remove_prefix(std::min(names.size(), spelling.size() + 1));
            }
        }
        return nullptr;
    }

    const OptionFacts* find_letter(char letter) const {
        for (const OptionFacts* option : table_)
            if (option->letter() == letter) return option;
        return nullptr;
    }

    [[noreturn]] void unknown_long(std::string_view name) const {
        std::vector<std::string> known{"help"};
        for (const OptionFacts* option : table_)
            for (const std::string& spelling : split(option->long_names(), ',')) known.push_back(spelling);
        std::vector<std::string> near = nearest(name, known);
        for (std::string& spelling : near) spelling.insert(0, "--");
        UsageError error("unknown option '--{}'", printable(name));
        if (!near.empty()) error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    }

    void long_option(std::string_view text) {
        const std::size_t equals = text.find('=');
        const std::string_view name = text.substr(0, equals);
        const OptionFacts* option = find_long(name);
        if (option == nullptr && name == "help" && equals == std::string_view::npos) {
            result_.help = true;
            return;
        }
        if (option == nullptr) unknown_long(name);
        if (equals != std::string_view::npos) add(*option, std::string(text.substr(equals + 1)));
        else add_with_next(*option, "--" + std::string(name));
    }

    /// "it", "p80:80", "t=false", "itd"
    void letters(std::string_view text) {
        while (!text.empty() && !result_.help) {
            const char letter = text.front();
            text.remove_prefix(1);
            const OptionFacts* option = find_letter(letter);
            if (option == nullptr && letter == 'h') {
                result_.help = true;
                return;
            }
            if (option == nullptr) throw UsageError("unknown option '-{}'", printable(std::string_view(&letter, 1)));
            if (text.starts_with('=')) {
                add(*option, std::string(text.substr(1)));
                return;
            }
            if (!option->value.empty() && !text.empty()) {
                add(*option, std::string(text));
                return;
            }
            add_with_next(*option, std::string("-") + letter);
        }
    }

    void add_with_next(const OptionFacts& option, const std::string& spelling) {
        if (option.value.empty()) return add(option, "true");
        if (next_ == args_.size()) throw UsageError("option '{}' needs a value: {}", spelling, option.value);
        add(option, args_[next_++]);
    }

    void add(const OptionFacts& option, std::string value) { result_.options.push_back({&option, std::move(value)}); }

    std::span<const OptionFacts* const> table_;
    const std::vector<std::string>& args_;
    std::size_t next_ = 0;
    Scanned result_;
};

} // namespace

Scanned scan(std::span<const OptionFacts* const> table, bool end_options_at_operand,
             const std::vector<std::string>& args) {
    return Scanner(table, args).run(end_options_at_operand);
}

} // namespace kist::cli
