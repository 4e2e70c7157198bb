// SPDX-License-Identifier: Apache-2.0
// Printing and asking.
#include "cli/output.hh"

#include <unistd.h>

#include "base/fd.hh"
#include "base/json.hh"
#include "base/text.hh"

namespace kist::cli {
namespace {

void write_to(int fd, std::string_view text, std::string_view what) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw SysError("writing to {}", what);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace

void complain(std::string_view text) noexcept {
    try {
        write_to(STDERR_FILENO, text, "standard error");
    } catch (const std::exception&) { // a closed or full stderr must not hide the exit code
    }
}

void print(std::string_view text) { write_to(STDOUT_FILENO, text, "standard output"); }

void print_line(std::string_view text) { print(std::string(text) + "\n"); }

void print_json(const Value& value) { print(json::dump_pretty(value) + "\n"); }

void print_error(const Error& error) {
    complain("kist: " + error.message() + "\n" + (error.hint().empty() ? "" : error.hint() + "\n"));
}

void print_warning(const std::string& text) { complain("kist: warning: " + text + "\n"); }

bool confirm(std::string_view question) {
    complain(std::string(question) + " [y/N] ");
    std::string answer;
    char c = 0;
    while (answer.size() < 16 && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') answer += c;
    const std::string lower = to_lower(trim(answer));
    return lower == "y" || lower == "yes";
}

} // namespace kist::cli
