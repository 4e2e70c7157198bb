// SPDX-License-Identifier: Apache-2.0
// kist-oci delete: removes what a stopped container still has.
#include "runtime/command.hh"
#include "runtime/operations.hh"

namespace kist::runtime::command {
namespace {

struct Delete {
    bool force = false;
};
constexpr auto options = cli::sorted(std::to_array<cli::Option<Delete>>({
    {{"f,force", "", "Kill the container first; no error when it does not exist"}, &Delete::force},
}));

int delete_it(const Call& call) {
    Delete given;
    const std::string id = parse_into(given, options, call).front();
    const Store store = call.store();
    auto container = store.find(id);
    if (container) {
        runtime::remove(store, std::move(*container), given.force ? Force::yes : Force::no);
    } else if (given.force) {
        runtime::remove_remains(store, id);
    } else {
        throw NotFound("container '{}' does not exist", id);
    }
    return 0;
}

} // namespace

const Command delete_container{.name = "delete",
                               .summary = "Remove a container that has stopped",
                               .usage = "ID",
                               .options = cli::facts_of<options>,
                               .run = delete_it};

} // namespace kist::runtime::command
