// SPDX-License-Identifier: Apache-2.0
// The mount options of create as text: -v, --mount, --tmpfs. What they have in common.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/container_config.hh"

namespace kist::engine {

/// What one option asks for. A volume that does not exist yet is made with these labels and driver options.
struct AskedMount {
    storage::MountConfig mount;
    std::string volume_driver = "local";
    std::map<std::string, std::string> volume_labels, volume_options;
};

/// All throw UsageError that quotes the whole text.
AskedMount parse_volume_option(const std::string& text); // -v
AskedMount parse_mount_option(const std::string& text);  // --mount
AskedMount parse_tmpfs_option(const std::string& text);  // --tmpfs
storage::MountConfig new_tmpfs(const std::string& destination);

// Parts that they share:

bool contains_word(const std::vector<std::string>& words, std::string_view word);
/// Cleaned; not "/".
std::string check_destination(const std::string& text, const std::string& whole);
/// True when it is written as a path ("/x", "./x", ".", "..", "../x") and not as a volume's name.
bool is_host_path(std::string_view source);
std::string absolute_source(const std::string& source);
/// One word of -v's third part or of --mount for a bind or a volume. Each kind may be said once.
void add_mount_word(storage::MountConfig&, const std::string& word, const std::string& whole);
/// The word idmap; `ranges`: what stands behind its "=".
void add_idmap(storage::MountConfig&, const std::string& ranges, const std::string& whole);
/// Ranges relative to the container's own ids ("@"), once those are known. Throws UsageError when it has none.
void resolve_idmap(storage::MountConfig&, const storage::ContainerConfig&);
/// O, upperdir= and workdir= go together, and not with everything.
void check_overlay(const storage::MountConfig&, const std::string& whole);
/// What is not said: rbind, rprivate.
void complete_bind(storage::MountConfig&);
/// z and Z: nothing to do without SELinux, an Error with it.
void check_relabel(const std::string& word, const std::string& whole);
void add_tmpfs_option(storage::MountConfig&, const std::string& word, const std::string& whole);

} // namespace kist::engine
