// SPDX-License-Identifier: Apache-2.0
// Which containers a command means: its operands, --all, --latest, --filter or --cidfile, the same way everywhere.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/ids.hh"
#include "cli/command.hh"
#include "cli/session.hh"
#include "storage/container_config.hh"

namespace kist::cli {

struct Selection {
    bool all = false;
    bool latest = false;
    bool ignore = false; ///< a name that does not exist is no error
    std::vector<std::string> filters = {};
    std::vector<std::string> cidfiles = {};
    std::vector<std::string> names = {}; ///< the operands
};

template <typename T>
constexpr std::array<Option<T>, 1> latest_option() {
    return {{{{"l,latest", "", "The container created last"}, &T::latest}}};
}
template <typename T>
constexpr std::array<Option<T>, 1> cidfile_option() {
    return {{{{"cidfile", "FILE", "Take the container's ID from FILE (repeatable)", Completes::file}, &T::cidfiles}}};
}
template <typename T>
constexpr std::array<Option<T>, 1> ignore_option() {
    return {{{{"i,ignore", "", "No error for a container that does not exist"}, &T::ignore}}};
}
/// -f is taken by --force in some commands, so the group is given the spelling.
template <typename T>
constexpr std::array<Option<T>, 1> filter_option(std::string_view names = "f,filter") {
    return {{{{names, "KEY=VALUE", "Only containers that match (repeatable)"}, &T::filters}}};
}

/// A container as it was asked for: `label` is what the command echoes (the operand as given, else the ID).
struct Selected {
    ContainerId id;
    std::string label;
};

/// The single container of a command that takes one.
ContainerId select_one(Session&, const Selection&);

/// Calls act for each selected container; an Error of one is printed and the others go on. `fits` decides which ones
/// --all and --filter mean. Exit code 0, or 1 when any failed. Throws UsageError when nothing was named.
int for_each_selected(Session&, const Selection&, const std::function<bool(storage::Status)>& fits,
                      const std::function<void(engine::Engine&, const Selected&)>& act);
/// The same; `before` sees all of them first, and may bring them into another order.
int for_each_selected(Session&, const Selection&, const std::function<bool(storage::Status)>& fits,
                      const std::function<void(engine::Engine&, std::vector<Selected>&)>& before,
                      const std::function<void(engine::Engine&, const Selected&)>& act);

} // namespace kist::cli
