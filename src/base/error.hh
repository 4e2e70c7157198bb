// SPDX-License-Identifier: Apache-2.0
// Failures that reach the user: what we were doing, to which object, and why it failed.
#pragma once

#include <cerrno>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace kist {

/// Exit codes of kist itself; a container's own code is passed through where it ran.
enum class ExitCode : int {
    success = 0,
    failure = 1,          ///< a command on an object failed (missing name, partial failure)
    engine = 125,         ///< kist's own error, wrong use
    not_executable = 126, ///< the container's command exists but cannot be executed
    not_found = 127,      ///< the container's command does not exist
};

/// One message, outermost context first: "starting container 'web': mounting '/dev/shm': Operation not permitted".
/// Thrown for failures only; an expected "no" is an std::optional or an enum. Only main() prints it.
class Error : public std::exception {
public:
    template <typename... Args>
    explicit Error(fmt::format_string<Args...> format, Args&&... args)
        : message_(fmt::format(format, std::forward<Args>(args)...)) {}

    /// Puts "<context>: " in front. Called where the object changes (container, layer, network), not at every function.
    template <typename... Args>
    Error& while_doing(fmt::format_string<Args...> format, Args&&... args) {
        message_ = fmt::format(format, std::forward<Args>(args)...) + ": " + message_;
        return *this;
    }
    Error& with_hint(std::string hint) {
        hint_ = std::move(hint);
        return *this;
    }
    Error& with_exit_code(ExitCode code) {
        exit_code_ = code;
        return *this;
    }

    const char* what() const noexcept override { return message_.c_str(); }
    const std::string& message() const noexcept { return message_; }
    /// A second line for the user that says what to do; empty for none.
    const std::string& hint() const noexcept { return hint_; }
    ExitCode exit_code() const noexcept { return exit_code_; }

protected:
    struct Raw {};
    Error(Raw, std::string message) : message_(std::move(message)) {}

private:
    std::string message_;
    std::string hint_;
    ExitCode exit_code_ = ExitCode::engine;
};

/// The kernel's text for an errno value, without the C library's locale ("No such file or directory").
std::string errno_text(int code);

/// A failed system call. Reads errno when constructed, so arguments must be plain names, never calls.
class SysError : public Error {
public:
    template <typename... Args>
    explicit SysError(fmt::format_string<Args...> format, Args&&... args)
        : SysError(Code{errno}, format, std::forward<Args>(args)...) {}

    struct Code {
        int value;
    };
    /// For an errno that came from elsewhere (another process, a library that returns it).
    template <typename... Args>
    SysError(Code error, fmt::format_string<Args...> format, Args&&... args)
        : Error(Raw{}, fmt::format(format, std::forward<Args>(args)...) + ": " + errno_text(error.value)),
          code(error.value) {}

    const int code;
};

/// "No such container: web": an object that the user named does not exist. Exit code 1, as Docker's.
class NotFound : public Error {
public:
    template <typename... Args>
    explicit NotFound(fmt::format_string<Args...> format, Args&&... args) : Error(format, std::forward<Args>(args)...) {
        with_exit_code(ExitCode::failure);
    }
    /// Hides Error's, so that `throw NotFound(…).with_hint(…)` throws a NotFound.
    NotFound& with_hint(std::string hint) {
        Error::with_hint(std::move(hint));
        return *this;
    }
};

/// Wrong use of the command line: unknown option, missing operand. Exit code 125 with a pointer to --help.
class UsageError : public Error {
public:
    using Error::Error;
    /// Hides Error's, so that `throw UsageError(…).with_hint(…)` throws a UsageError.
    UsageError& with_hint(std::string hint) {
        Error::with_hint(std::move(hint));
        return *this;
    }
};

} // namespace kist
