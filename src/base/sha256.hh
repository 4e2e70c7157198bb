// SPDX-License-Identifier: Apache-2.0
// SHA-256 by libcrypto's low-level functions, linked statically: no provider is loaded, so it costs no start-up time.
#pragma once

#include <memory>
#include <string_view>

#include "base/ids.hh"

namespace kist {

class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    void update(std::string_view bytes);
    /// The object is used up afterwards.
    Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

Digest sha256(std::string_view bytes);

} // namespace kist
