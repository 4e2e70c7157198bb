// SPDX-License-Identifier: Apache-2.0
// What kist-fetch gives up before it opens its first connection.
#pragma once

namespace kist::fetch {

/// An empty root with copies of the name service's files, nobody's user, no capability, a list of allowed system calls.
void confine();

} // namespace kist::fetch
