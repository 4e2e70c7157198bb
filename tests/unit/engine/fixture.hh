// SPDX-License-Identifier: Apache-2.0
// What the tests of create's interpreters share: an image, options, and calling one interpreter.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/create_parts.hh"

namespace kist::engine::test {

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

/// The message of the Error that `call` throws; "" when it throws none.
template <typename Call>
std::string failure_of(Call call) {
    try {
        call();
    } catch (const Error& e) {
        return std::string(e.what()) + (e.hint().empty() ? "" : " / " + e.hint());
    }
    return "";
}

struct Creation {
    CreateOptions options;
    HostConfig host;
    storage::ImageRecord image;
    std::vector<std::string> warnings;
    storage::ContainerConfig config;
    storage::NetworkConfig network; ///< what --network NAME finds
    storage::ContainerView other;   ///< what container:NAME finds
    std::vector<storage::VolumeRecord> new_volumes;

    Creation() {
        options.image = "web";
        image.config.config.cmd = {"sh"};
        config.id = std::string(64, 'c');
        other.config.id = std::string(64, 'd');
        other.config.name = "other";
        other.config.hostname = "otherhost";
    }

    using Interpreter = void (*)(const CreateInput&, storage::ContainerConfig&);
    storage::ContainerConfig run(Interpreter interpreter) {
        std::function<void(const std::string&)> warn = [this](const std::string& text) { warnings.push_back(text); };
        CreateInput in{options,
                       host,
                       image,
                       warn,
                       [this](const std::string&) { return other; },
                       [this](const std::string&) { return image; },
                       new_volumes,
                       [this](const std::string&) { return network; }};
        storage::ContainerConfig result = config;
        new_volumes.clear();
        interpreter(in, result);
        return result;
    }
    std::string failure(Interpreter interpreter) {
        return failure_of([&] { run(interpreter); });
    }
};

} // namespace kist::engine::test
