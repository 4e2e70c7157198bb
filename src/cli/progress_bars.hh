// SPDX-License-Identifier: Apache-2.0
// The progress of a pull on standard error: lines, or on a terminal a bar for each layer.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "engine/pull.hh"

namespace kist::cli {

/// Sets progress and, where standard error is a terminal that has room for the bars, watch.
void show_progress(engine::PullOptions&);

/// The line of one layer in `width` columns, after `elapsed` of its transfer.
std::string progress_line(const engine::LayerStatus&, std::chrono::milliseconds elapsed, std::size_t width);

} // namespace kist::cli
