// SPDX-License-Identifier: Apache-2.0
// The hooks of a new container: those of kist.json, then its own. Kept in the record, so a later change of a file has no effect.
#include "base/text.hh"
#include "engine/create_parts.hh"
#include "engine/hook_spec.hh"

namespace kist::engine {

void interpret_hooks(const CreateInput& in, storage::ContainerConfig& config) {
    const std::string folder = hooks_folder(in.host.data_root);
    const auto& given = in.options.hook_specs;
    for (std::size_t i = 0; i + 1 < given.size(); ++i)
        in.warn(fmt::format("--hook-spec '{}' is ignored: the last one counts", printable(given[i])));
    if (!in.host.hook_spec.empty()) config.hooks = load_hook_spec(in.host.hook_spec, folder, in.warn);
    if (!given.empty()) config.hooks = join_hooks(config.hooks, load_hook_spec(given.back(), folder, in.warn));
}

} // namespace kist::engine
