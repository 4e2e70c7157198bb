// SPDX-License-Identifier: Apache-2.0
// volume create: names, labels and driver options as the user wrote them.
#include <algorithm>

#include "base/ids.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/volume_source.hh"
#include "engine/volumes.hh"

namespace kist::engine {

namespace {

using storage::VolumeRecord;

/// Those of Docker's and Podman's local driver.
const std::vector<std::string> known_options = {"type", "device", "o", "size"};

std::map<std::string, std::string> read_pairs(const std::vector<std::string>& words, const char* what) {
    std::map<std::string, std::string> pairs;
    for (const std::string& word : words) {
        auto [key, value] = split_once(word, '=');
        if (key.empty()) throw UsageError("invalid {} '{}': it is KEY=VALUE", what, printable(word));
        pairs[key] = value.value_or("");
    }
    return pairs;
}

std::uint32_t read_owner(std::int64_t id, const char* what) {
    if (id < 0 || id > UINT32_MAX - 1) throw UsageError("invalid {} {}: it is a number from 0 to 4294967294", what, id);
    return static_cast<std::uint32_t>(id);
}

VolumeRecord interpret(const VolumeOptions& options) {
    VolumeRecord record;
    record.name = options.name.empty() ? random_hex(32) : options.name;
    record.anonymous = options.name.empty();
    record.created = Moment::now().ns;
    record.driver = options.driver;
    record.labels = read_pairs(options.labels, "label");
    record.options = read_pairs(options.options, "driver option");
    complete_volume(record);
    if (options.uid) record.uid = read_owner(*options.uid, "--uid");
    if (options.gid) record.gid = read_owner(*options.gid, "--gid");
    return record;
}

} // namespace

void check_volume_driver(const std::string& name) {
    if (name == "local") return;
    throw UsageError("unknown volume driver '{}': there is 'local'", printable(name))
        .with_hint(
            "mount what it provides on the host and name that folder with --volume, or let 'local' mount it: "
            "'kist volume create --opt type=nfs --opt device=... --opt o=...'");
}

void check_volume_options(const VolumeRecord& record) {
    check_volume_driver(record.driver);
    for (const auto& [key, value] : record.options) {
        if (std::find(known_options.begin(), known_options.end(), key) != known_options.end()) continue;
        UsageError error("unknown option '{}' of volume driver 'local'", printable(key));
        const auto near = nearest(key, known_options);
        error.with_hint(near.empty() ? "options are " + quoted_choice(known_options)
                                     : "did you mean " + quoted_choice(near) + "?");
        throw error;
    }
}

void complete_volume(VolumeRecord& record) {
    check_volume_options(record);
    const VolumeSource source = plan_volume_source(record);
    record.uid = source.uid.value_or(0);
    record.gid = source.gid.value_or(0);
    record.size_limit = source.size_limit;
    record.file_limit = source.file_limit;
}

std::vector<std::string> ensure_volumes(Engine& engine, const std::vector<VolumeRecord>& wanted) {
    std::vector<std::string> made;
    if (!wanted.empty()) engine.volumes().sweep();
    for (const VolumeRecord& record : wanted) {
        // Against a removal that has looked for users before our container was there.
        const FileLock lock = engine.volumes().lock(record.name, LockMode::shared);
        if (!engine.volumes().find(record.name) && engine.volumes().create(record)) made.push_back(record.name);
    }
    return made;
}

void drop_volumes(Engine& engine, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        const FileLock lock = engine.volumes().lock(name, LockMode::exclusive);
        if (engine.containers().volume_users({name}).empty()) engine.volumes().remove(name);
    }
}

std::string create_volume(Engine& engine, const VolumeOptions& options) {
    const VolumeRecord record = interpret(options);
    engine.volumes().sweep();
    if (engine.volumes().create(record) || options.ignore) return record.name;
    throw Error("volume with name {} already exists", record.name).with_exit_code(ExitCode::failure);
}

} // namespace kist::engine
