// SPDX-License-Identifier: Apache-2.0
#include "engine/check.hh"

#include "engine/repair.hh"

namespace kist::engine {

CheckReport check_system(Engine& engine, const CheckOptions& options) {
    storage::StoreCheck check(engine.store(), options);
    check.run();
    if (options.repair) sweep_all(engine); // --rm containers that ended without their monitor
    return {check.problems(), check.counts()};
}

} // namespace kist::engine
