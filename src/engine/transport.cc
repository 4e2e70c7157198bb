// SPDX-License-Identifier: Apache-2.0
// pull from an archive or a folder is a load with a choice, push a save.
#include "engine/transport.hh"

#include <fcntl.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/text.hh"
#include "storage/image_load.hh"
#include "storage/image_save.hh"

namespace kist::engine {
namespace {

using storage::Reference;

/// As Podman calls them: by the path, below localhost. A path that is no name gives none.
std::vector<Reference> name_of_folder(const std::string& path) {
    const auto start = path.find_first_not_of('/');
    if (start == std::string::npos) return {};
    const auto name = Reference::try_parse("localhost/" + path.substr(start));
    return name ? std::vector{*name} : std::vector<Reference>{};
}

Fd open_archive(const std::string& path) {
    Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (!fd) throw SysError("opening archive '{}'", path);
    return fd;
}

} // namespace

std::optional<Transport> parse_transport(const std::string& text) {
    using Kind = Transport::Kind;
    static constexpr std::pair<std::string_view, Kind> known[] = {{"docker-archive:", Kind::docker_archive},
                                                                  {"oci-archive:", Kind::oci_archive},
                                                                  {"oci:", Kind::oci},
                                                                  {"dir:", Kind::dir}};
    for (const auto& [prefix, kind] : known) {
        if (!text.starts_with(prefix)) continue;
        const std::string rest = text.substr(prefix.size());
        Transport found{kind, rest, ""};
        if (kind != Kind::dir) {
            const auto [path, name] = split_once(rest, ':');
            found.path = path;
            found.name = name.value_or("");
            if (name && name->empty()) throw UsageError("'{}' ends where a name should follow", printable(text));
        }
        if (found.path.empty()) throw UsageError("'{}' names no path", printable(text));
        return found;
    }
    return std::nullopt;
}

Digest pull_image(Engine& engine, const Transport& from, const PullOptions& options) {
    using Kind = Transport::Kind;
    storage::LoadOptions load;
    if (!options.watch) load.progress = options.progress;
    load.called = from.name;
    load.only_one = true;
    load.platform = wanted_platform(options);
    if (from.kind == Kind::docker_archive && !from.name.empty()) load.names = {Reference::parse(from.name)};
    if (from.kind == Kind::oci || from.kind == Kind::dir) {
        load.names = name_of_folder(from.path);
        return storage::load_folder(engine.store(), Dir::open(from.path), from.kind == Kind::dir, load).front().id;
    }
    return storage::load_archive(engine.store(), open_archive(from.path), load).front().id;
}

void check_push(const Transport& to, const PushOptions& options) {
    const std::string& compression = options.compression_format;
    if (!options.format.empty()) throw UsageError("--format is for registries: a folder or an archive has its own");
    if (!to.is_folder() && (!compression.empty() || options.compression_level))
        throw UsageError("archives hold their layers uncompressed: compress the archive");
    if (!compression.empty() && compression != "gzip" && compression != "zstd")
        throw UsageError("invalid value '{}' for --compression-format: it is gzip or zstd", printable(compression));
    const int most = compression == "zstd" ? 19 : 9;
    if (options.compression_level && (*options.compression_level < 1 || *options.compression_level > most))
        throw UsageError("--compression-level is 1 to {}", most);
}

std::string push_image(Engine& engine, const storage::ImageStore::SaveItem& item, const Transport& to,
                       const PushOptions&, const Fd& archive) {
    if (to.kind == Transport::Kind::oci_archive)
        return storage::save_oci_archive(engine.store(), item, to.name, archive);
    storage::ImageStore::SaveItem named = item;
    if (!to.name.empty()) named.names = {Reference::parse(to.name)};
    engine.images().save({named}, storage::ArchiveFormat::docker_archive, archive);
    return "";
}

std::string push_image(Engine& engine, const storage::ImageStore::SaveItem& item, const Transport& to,
                       const PushOptions& options, const Dir& folder) {
    const bool layout = to.kind == Transport::Kind::oci;
    storage::FolderSave save;
    save.format = layout ? storage::FolderFormat::oci : storage::FolderFormat::docker;
    save.compression = options.compression_format.empty() && layout ? "gzip" : options.compression_format;
    save.level = options.compression_level.value_or(0);
    save.called = to.name;
    save.add = layout;
    return storage::save_folder(engine.store(), {item}, save, folder);
}

} // namespace kist::engine
