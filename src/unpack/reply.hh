// SPDX-License-Identifier: Apache-2.0
// The one answer of kist-unpack. For .cc files: brings in JSON.
#pragma once

#include <unistd.h>

#include "base/fd.hh"
#include "base/fields.hh"
#include "base/json.hh"
#include "storage/unpack_protocol.hh"

namespace kist::unpack {

/// There is nothing to clean up, and a thread may still wait for input that never comes: so no unwinding.
template <Record Reply>
[[noreturn]] void reply_and_exit(const Reply& reply) {
    int code = 0;
    try {
        const Fd pipe{storage::unpack_reply_fd};
        write_full(pipe, json::dump(to_value(reply)), "the reply");
    } catch (...) { // whoever asked is gone
        code = 1;
    }
    ::_exit(code);
}

} // namespace kist::unpack
