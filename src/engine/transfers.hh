// SPDX-License-Identifier: Apache-2.0
// Layers on their way, several at once.
#pragma once

#include <cstddef>
#include <functional>

namespace kist::registry {
struct Ask;
}

namespace kist::engine {

/// Calls body(0) … body(count - 1) in order of their start, at most `most` at once. The first failure calls `stop`, which must
/// make the others end soon, and is thrown when all have ended; what has not been begun then is not.
void at_once(std::size_t count, std::size_t most, const std::function<void(std::size_t)>& body,
             const std::function<void()>& stop);

/// Calls `send` with an upload to ask for, again and again while the registry breaks off and the upload is worth going on with:
/// each time all bytes are offered from the first, and those that the registry has are not sent.
void resume_upload(const std::function<void(const registry::Ask&)>& send);

} // namespace kist::engine
