// SPDX-License-Identifier: Apache-2.0
// manifest push: the images of a list go first, because registries refuse a list that names what they do not have. An image
// that is here is pushed; one that is in a registry is copied from there, blob by blob, from one kist-fetch to another.
#include <memory>
#include <mutex>
#include <set>

#include "base/error.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "engine/manifest_entry.hh"
#include "engine/manifest_list.hh"
#include "engine/push.hh"
#include "engine/store_manifest.hh"
#include "engine/transfers.hh"
#include "registry/fetcher.hh"
#include "storage/event_log.hh"
#include "storage/manifest_list.hh"
#include "storage/programs.hh"

namespace kist::engine {
namespace {

using storage::Reference;
using namespace oci::media_type;

class ListPush {
public:
    ListPush(Engine& engine, const storage::ImageRecord& record, const Reference& to,
             const ManifestPushOptions& options)
        : engine_(engine),
          to_(to),
          options_(options),
          list_(storage::ManifestLists(engine.store()).read(record)),
          fetcher_(storage::program_path("kist-fetch"), setup()) {
        list_.index.media_type = wanted_type(record);
    }

    Digest run() {
        if (options_.all) {
            check_sources();
            for (oci::Descriptor& entry : list_.index.manifests) send(entry, "");
        }
        const std::string text = storage::list_text(list_.index);
        const Digest digest = store_manifest(fetcher_, to_.tag, {list_.index.media_type, text});
        say(fmt::format("{}: digest: {} size: {}", to_.tag, digest.str(), text.size()));
        return digest;
    }

    Digest run_one(const oci::Platform& platform) {
        const oci::Descriptor* entry = choose_entry(list_.index, platform);
        if (entry == nullptr) throw NotFound("the manifest list has no image for platform {}", platform.str());
        list_.index.manifests = {oci::Descriptor(*entry)};
        check_sources();
        send(list_.index.manifests.front(), to_.tag);
        return *Digest::parse(list_.index.manifests.front().digest);
    }

private:
    void say(const std::string& line) {
        const std::lock_guard guard(mutex_);
        if (options_.progress) options_.progress(line);
    }

    std::string wanted_type(const storage::ImageRecord& record) const {
        if (options_.format.empty()) return record.manifest_type;
        if (options_.format == "oci") return std::string(oci_index);
        if (options_.format == "v2s2" || options_.format == "docker") return std::string(docker_list);
        throw UsageError("invalid value '{}' for --format: it is oci or v2s2", printable(options_.format));
    }

    /// With the right to mount blobs from where the images are, if that is the same registry.
    registry::Setup setup() const {
        registry::Setup setup = make_setup(engine_.config(), to_, options_);
        setup.push = true;
        std::set<std::string> neighbours;
        for (const storage::ListSource& source : list_.sources)
            if (const auto name = Reference::try_parse(source.name); name && is_neighbour(*name))
                neighbours.insert(name->path);
        for (const std::string& path : neighbours)
            if (setup.mount_from.size() < most_mounts) setup.mount_from.push_back(path);
        return setup;
    }
    bool is_neighbour(const Reference& name) const { return name.domain == to_.domain && name.path != to_.path; }

    /// Before anything is sent: a push that ends in the middle leaves images that nobody wants.
    void check_sources() const {
        std::vector<std::string> gone;
        for (const oci::Descriptor& entry : list_.index.manifests) {
            const storage::ListSource* source = list_.source_of(entry.digest);
            if (source == nullptr) throw Error("nobody knows where the image {} is", entry.digest);
            if (!source->image.empty() && !engine_.images().find(source->image)) gone.push_back(entry.digest);
            for (const std::string& blob : source->content) storage::open_content(engine_.store(), blob);
        }
        if (!gone.empty())
            throw NotFound("the list names what is gone from this machine: {}", join(gone, ", "))
                .with_hint("pull or load it again, or take it off the list by 'kist manifest remove LIST DIGEST'");
    }

    /// `tag`: of the image itself; empty: it is known by its digest only. The entry becomes what the registry has.
    void send(oci::Descriptor& entry, const std::string& tag) {
        const storage::ListSource& source = *list_.source_of(entry.digest);
        if (!source.content.empty()) send_artifact(entry, source, tag);
        else if (source.image.empty()) copy_image(entry, Reference::parse(source.name), tag);
        else send_image(entry, engine_.images().get(source.image), tag);
    }

    void send_image(oci::Descriptor& entry, const storage::ImageRecord& image, const std::string& tag) {
        Reference place = to_;
        place.tag = tag;
        PushOptions options = options_;
        if (options.format.empty()) options.format = entry.media_type == docker_manifest ? "v2s2" : "oci";
        const Pushed pushed = push_image(engine_, image, place, options);
        entry.digest = pushed.digest.str();
        entry.size = pushed.size;
        entry.media_type = pushed.media_type;
    }

    void send_artifact(const oci::Descriptor& entry, const storage::ListSource& source, const std::string& tag) {
        const std::string text = storage::ManifestLists(engine_.store()).artifact_text(source);
        std::vector<std::string> blobs = source.content;
        std::erase(blobs, entry.digest);
        at_once(
            blobs.size(), static_cast<std::size_t>(engine_.config().max_concurrent_uploads),
            [&](std::size_t i) { send_file(blobs[i]); }, [&] { fetcher_.stop(); });
        store_manifest(fetcher_, tag, {entry.media_type, text});
        say(entry.digest + ": Pushed");
    }

    void send_file(const std::string& digest) {
        registry::Ask exists;
        exists.kind = "exists";
        exists.reference = digest;
        if (fetcher_.call(exists).found) return;
        resume_upload([&](const registry::Ask& ask) {
            registry::Fetcher::Pending upload = fetcher_.begin(ask, storage::open_content(engine_.store(), digest));
            upload.end_upload(digest);
            upload.finish();
        });
    }

    void copy_image(const oci::Descriptor& entry, const Reference& name, const std::string& tag) {
        if (tag.empty() && has_manifest(entry)) return say(entry.digest + ": Manifest already exists");
        const Reference from = by_digest(name, entry.digest);
        registry::Fetcher source(storage::program_path("kist-fetch"), make_setup(engine_.config(), from, options_));
        const auto found = source.describe(entry.digest);
        if (found.blobs.empty()) throw Error("'{}' is a list within the list: it cannot be copied", entry.digest);
        at_once(
            found.blobs.size(), static_cast<std::size_t>(engine_.config().max_concurrent_uploads),
            [&](std::size_t i) { copy_blob(source, found.blobs[i], from); },
            [&] {
                source.stop();
                fetcher_.stop();
            });
        store_manifest(fetcher_, tag, {found.type, found.text});
        say(entry.digest + ": Copied");
    }

    bool has_manifest(const oci::Descriptor& entry) {
        registry::Ask ask;
        ask.kind = "head";
        ask.reference = entry.digest;
        return fetcher_.call(ask).found;
    }

    void copy_blob(registry::Fetcher& source, const oci::Descriptor& blob, const Reference& from) {
        registry::Ask ask;
        ask.kind = "exists";
        ask.reference = blob.digest;
        if (is_neighbour(from)) ask.from = {from.path};
        if (fetcher_.call(ask).found) return;
        resume_upload([&](const registry::Ask& upload) { send_blob(source, blob, upload); });
    }

    void send_blob(registry::Fetcher& source, const oci::Descriptor& blob, const registry::Ask& ask) {
        Pipe pipe = make_pipe();
        registry::Fetcher::Pending upload = fetcher_.begin(ask, pipe.read);
        pipe.read.reset();
        registry::Ask get;
        get.kind = "blob";
        get.reference = blob.digest;
        get.size = blob.size;
        registry::Fetcher::Pending download = source.begin(get, pipe.write);
        pipe.write.reset();
        std::optional<Error> failure;
        try {
            download.finish();
        } catch (const Error& error) {
            failure = error;
        }
        // The registry compares it with what came: what was torn on the way is refused.
        upload.end_upload(failure ? "" : blob.digest);
        try {
            upload.finish();
        } catch (const Error& error) { // its reason comes first: the other one only saw a closed pipe
            if (failure && error.message() == "the upload was given up") throw Error(*failure);
            throw;
        }
    }

    Engine& engine_;
    const Reference& to_;
    const ManifestPushOptions& options_;
    storage::ManifestList list_;
    registry::Fetcher fetcher_;
    std::mutex mutex_; ///< of the progress
};

} // namespace

namespace {

/// `push` does it with a ListPush; the rest is told and recorded.
template <typename Push>
Digest push_from_list(Engine& engine, const storage::ImageRecord& record, const Reference& to,
                      const ManifestPushOptions& options, Push&& push) {
    if (!to.digest.empty()) throw UsageError("a manifest list is pushed to a tag, not to a digest");
    try {
        ListPush pushing(engine, record, to, options);
        return push(pushing);
    } catch (const UsageError&) {
        throw;
    } catch (Error& error) {
        error.while_doing("pushing the manifest list '{}'", to.familiar());
        throw;
    }
}

} // namespace

Digest push_manifest_list(Engine& engine, const storage::ImageRecord& record, const Reference& to,
                          const ManifestPushOptions& options) {
    const Digest digest = push_from_list(engine, record, to, options, [](ListPush& push) { return push.run(); });
    storage::append_event(
        engine.store().data(),
        {.type = "image", .action = "push", .id = record.id, .attributes = {{"name", to.familiar()}}});
    return digest;
}

Digest push_image_of_list(Engine& engine, const storage::ImageRecord& record, const Reference& to,
                          const oci::Platform& platform, const PushOptions& options) {
    return push_from_list(engine, record, to, {options}, [&](ListPush& push) { return push.run_one(platform); });
}

} // namespace kist::engine
