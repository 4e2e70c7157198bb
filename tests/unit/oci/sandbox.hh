// SPDX-License-Identifier: Apache-2.0
// A root file system of busybox and the spec of an ordinary container, for tests that really launch one.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hh"
#include "oci/run/container.hh"

namespace kist::oci::test {

/// Why launching is not possible here; empty when it is.
std::string why_not();

struct Result {
    int code = 0;
    std::string out;
    std::string error; ///< message of the Error when it did not start
    std::string hint;
};

class Sandbox {
public:
    Sandbox();
    ~Sandbox();
    Sandbox(const Sandbox&) = delete;
    Sandbox& operator=(const Sandbox&) = delete;

    /// What the engine asks for by default; runs `sh -c script`.
    Spec spec(const std::string& script) const;
    RootMount root() const;
    /// Host folders: the image's layer, the container's upper one, and one for things outside.
    std::string image() const { return dir_.path() + "/image"; }
    std::string upper() const { return dir_.path() + "/upper"; }
    std::string outside() const { return dir_.path() + "/outside"; }
    const Cgroup& cgroup() const { return *cgroup_; }

    /// Standard output and error together, at most 1 MiB.
    Result run(const Spec&, const LaunchOptions& = {}) const;
    Result run(const std::string& script) const { return run(spec(script)); }
    Result enter(const Child& init, const Process&, const LaunchOptions& = {}) const;
    CreatedProcess create(const Spec&, const LaunchOptions& = {}) const;

    LaunchOptions options;

private:
    TempDir dir_;
    std::optional<Cgroup> cgroup_;
};

/// A command for enter(): PATH is set, root, the capabilities of spec().
Process command(const std::vector<std::string>& args);

/// `part` is somewhere in `text`.
inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string write_file(const std::string& path, const std::string& text, unsigned mode = 0644);

} // namespace kist::oci::test
