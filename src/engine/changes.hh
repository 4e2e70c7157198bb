// SPDX-License-Identifier: Apache-2.0
// What containers and images changed: diff, image diff and commit; and export, which takes everything.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/engine.hh"
#include "storage/changes.hh"

namespace kist::engine {

struct ContainerChanges {
    std::vector<storage::Change> list;
    Fd tree; ///< where the added and modified files are, by the same paths
};
/// What a container changed of its image.
ContainerChanges changes_of_container(Engine&, const ContainerId&);
/// What an image's own top layer changed of the layers below it.
std::vector<storage::Change> changes_of_image(Engine&, const storage::ImageRecord&);

/// diff: of a container or an image (by name or ID; a container wins), or from `other` to `name`.
std::vector<storage::Change> diff(Engine&, const std::string& name, const std::string& other);
std::vector<storage::Change> diff_images(Engine&, const std::string& name, const std::string& other);

/// The container's files as one tar, without what is mounted over them.
void write_files(Engine&, const ContainerId&, const Fd& out, const std::function<void(const std::string&)>& warn);
/// export: the same, told as an event.
void export_container(Engine&, const ContainerId&, const Fd& out, const std::function<void(const std::string&)>& warn);

} // namespace kist::engine
