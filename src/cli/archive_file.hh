// SPDX-License-Identifier: Apache-2.0
// Archives that the user names: import and load read them, save writes one.
#pragma once

#include <functional>
#include <string>

#include "base/file.hh"
#include "cli/command.hh"

namespace kist::cli {

/// "-" or an empty text: standard input, which must not be a terminal. A URL is refused with a word about what to do.
Fd open_archive(const std::string& file);

/// Calls write with the descriptor of `file` ("-" or empty: standard output, which must not be a terminal). A regular file
/// appears under its name only when it is complete: a failed save leaves neither a torso nor a lost older file.
void write_archive(const std::string& file, const std::function<void(const Fd&)>& write);

struct ExportOptions {
    std::string output;
};
inline constexpr auto export_options = std::to_array<Option<ExportOptions>>({
    {{"o,output", "FILE", "Write FILE instead of standard output", Completes::file}, &ExportOptions::output},
});

/// Calls write with a new folder, which gets the name `folder` when it is complete. There may be an empty one already.
void write_folder(const std::string& folder, const std::function<void(const Dir&)>& write);

} // namespace kist::cli
