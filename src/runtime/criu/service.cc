// SPDX-License-Identifier: Apache-2.0
#include "runtime/criu/service.hh"

#include <cstdlib>
#include <exception>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/log.hh"
#include "base/text.hh"
#include "oci/run/program.hh"
#include "runtime/criu/plan.hh"

namespace kist::runtime::criu {

namespace {

bool is_program(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

[[noreturn]] void give_up(const Response& response, const Dir& work, const std::string& log) {
    constexpr std::size_t limit = 256u << 20;
    std::vector<std::string> errors;
    if (const auto text = read_file_if_exists(work, log, limit)) errors = errors_of_log(*text);
    if (errors.empty() && !response.message.empty()) errors.push_back(printable(response.message));
    if (errors.empty() && response.error != 0) errors.push_back(errno_text(response.error));
    if (errors.empty()) errors.emplace_back("it does not say why");
    Error error("criu: {}", join(errors, "; "));
    error.with_hint("all of it is in '" + work.path_of(log) + "'");
    throw error;
}

} // namespace

std::string find_program() {
    const char* path = std::getenv("PATH");
    for (const std::string& folder : split(path != nullptr ? path : oci::default_path, ':')) {
        if (!folder.starts_with('/')) continue;
        std::string candidate = folder + "/criu";
        if (is_program(candidate)) return candidate;
    }
    throw Error("criu not found in PATH: install the package 'criu' (https://criu.org)");
}

std::vector<std::string> environment() { return {"PATH=" + std::string(oci::default_path)}; }

std::vector<std::string> command(const std::string& program, int socket) {
    return {program, "swrk", std::to_string(socket)};
}

Response ask(const Fd& socket, const std::string& request, const Notified& notified, const Dir& work,
             const std::string& log) {
    constexpr std::size_t limit = 1u << 20;
    std::exception_ptr failure;
    send_message(socket, request);
    for (;;) {
        auto message = receive_message(socket, limit);
        if (failure && !message) std::rethrow_exception(failure);
        if (!message) give_up({}, work, log);
        const Response response = decode(message->bytes);
        if (response.notification.empty()) {
            if (failure) std::rethrow_exception(failure);
            if (!response.success) give_up(response, work, log);
            return response;
        }
        log::debug("criu: {}", printable(response.notification));
        try {
            if (!failure) notified(response, message->fds);
        } catch (...) {
            failure = std::current_exception();
        }
        send_message(socket, encode_answer(!failure));
    }
}

} // namespace kist::runtime::criu
