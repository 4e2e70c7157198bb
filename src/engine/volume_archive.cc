// SPDX-License-Identifier: Apache-2.0
// volume export, import and mount: a volume's data as a tar, read and written by descriptors that follow nothing, since a container
// may change the volume meanwhile (CVE-2023-0778); the archive is parsed by kist-unpack, which is confined to the volume.
#include <unistd.h>

#include "base/text.hh"
#include "engine/volume_source.hh"
#include "engine/volumes.hh"
#include "storage/tree_tar.hh"
#include "storage/unpack_client.hh"

namespace kist::engine {

namespace {

/// The folder behind a volume. One that each container mounts for itself has none.
Dir open_data(Engine& engine, const std::string& name) {
    const auto record = engine.volumes().find(name);
    if (!record) throw NotFound("no such volume: {}", printable(name));
    const VolumeSource source = plan_volume_source(*record);
    if (source.kind == VolumeSource::Kind::folder) return engine.volumes().folder(name).open_dir("_data");
    if (source.kind == VolumeSource::Kind::bind) return Dir::open(source.device);
    throw Error("volume '{}' has no data on the host: each container mounts its {} for itself", name, source.type)
        .with_exit_code(ExitCode::failure);
}

} // namespace

void export_volume(Engine& engine, const std::string& name, const Fd& out,
                   const std::function<void(const std::string&)>& warn) {
    const FileLock lock = engine.volumes().lock(name, LockMode::shared); // it is not removed meanwhile
    const Dir data = open_data(engine, name);
    storage::TreeTar tar(out, warn);
    tar.add_contents(data, "");
    tar.finish();
}

void import_volume(Engine& engine, const std::string& name, const Fd& archive) {
    const FileLock lock = engine.volumes().lock(name, LockMode::shared);
    const Dir data = open_data(engine, name);
    storage::ExtractRequest request;
    request.keep_privileges = true;
    request.overwrite = true;
    try {
        storage::extract_archive(archive, data, request);
    } catch (Error& error) {
        error.while_doing("importing into volume '{}'", name);
        throw;
    }
    if (::syncfs(data.fd().get()) != 0) throw SysError("syncing volume '{}'", name);
}

std::string volume_path(Engine& engine, const std::string& name) { return open_data(engine, name).path(); }

} // namespace kist::engine
