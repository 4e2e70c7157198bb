// SPDX-License-Identifier: Apache-2.0
// push: kist-unpack puts a layer's tar together again and compresses it, kist-fetch sends it; here is decided what the registry
// is missing. A layer that came from a registry keeps its blob, and with it the image its digest, wherever that can be had.
#include "engine/push.hh"

#include <algorithm>
#include <mutex>
#include <set>

#include "base/error.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "engine/store_manifest.hh"
#include "engine/transfers.hh"
#include "registry/fetcher.hh"
#include "storage/event_log.hh"
#include "storage/image_writer.hh"
#include "storage/known_blobs.hh"
#include "storage/programs.hh"
#include "storage/unpack_client.hh"

namespace kist::engine {
namespace {

using namespace oci::media_type;
using storage::KnownBlob;

struct Plan {
    oci::Manifest manifest; ///< layers are filled in as they are found or sent
    bool docker = false;
    std::string compression; ///< "gzip" or "zstd"
    int level = 0;
};

bool wants_docker(const PushOptions& options, const std::string& own_type) {
    if (options.format.empty()) return own_type == docker_manifest;
    if (options.format == "oci") return false;
    if (options.format == "v2s2" || options.format == "docker") return true;
    if (options.format == "v2s1")
        throw UsageError("--format v2s1: manifests of schema 1 are not written any more: use oci or v2s2");
    throw UsageError("invalid value '{}' for --format: it is oci or v2s2", printable(options.format));
}

std::string wanted_compression(const PushOptions& options) {
    const std::string& format = options.compression_format;
    if (format.empty() || format == "gzip" || format == "zstd") return format;
    throw UsageError("invalid value '{}' for --compression-format: it is gzip or zstd", printable(format));
}

int wanted_level(const PushOptions& options, const std::string& compression) {
    if (!options.compression_level) return 0;
    const int most = compression == "zstd" ? 19 : 9;
    if (*options.compression_level < 1 || *options.compression_level > most)
        throw UsageError("--compression-level of {} is 1 to {}", compression, most);
    return *options.compression_level;
}

class Pushing {
public:
    Pushing(Engine& engine, const storage::ImageRecord& image, const storage::Reference& to, const PushOptions& options)
        : engine_(engine), image_(image), to_(to), options_(options), layers_(engine.store()) {
        place_ = to.domain + "/" + to.path;
        stored_ = from_value<oci::Manifest>(json::parse(engine.images().raw_manifest(image), "manifest"), "manifest");
        plan_.docker = wants_docker(options, image.manifest_type);
        plan_.compression = wanted_compression(options);
        if (plan_.docker && plan_.compression == "zstd") throw UsageError("zstd layers need --format oci");
        plan_.level = wanted_level(options, plan_.compression.empty() ? "gzip" : plan_.compression);
        for (std::size_t i = 0; i < image.chain_ids.size(); ++i) candidates_.push_back(candidates(i));
        make_manifest();
    }

    Pushed run() {
        say("The push refers to repository [" + place_ + "]");
        registry::Setup setup = make_setup(engine_.config(), to_, options_);
        setup.push = true;
        setup.mount_from = neighbours();
        registry::Fetcher fetcher(storage::program_path("kist-fetch"), setup);
        fetcher_ = &fetcher;
        if (!is_there_already()) {
            at_once(
                image_.chain_ids.size() + 1, static_cast<std::size_t>(engine_.config().max_concurrent_uploads),
                [&](std::size_t i) { i == 0 ? send_config() : send_layer(i - 1); }, [&] { fetcher.stop(); });
        } else {
            for (std::size_t i = 0; i < image_.chain_ids.size(); ++i) say(short_id(i) + ": Layer already exists");
        }
        return store_manifest();
    }

private:
    void say(const std::string& line) {
        const std::lock_guard guard(mutex_);
        if (options_.progress) options_.progress(line);
    }
    const std::string& diff_id(std::size_t i) const { return image_.config.rootfs.diff_ids.at(i); }
    std::string short_id(std::size_t i) const { return Digest::parse(diff_id(i))->short_id(); }

    /// The blobs that layer i may be, the one of the stored manifest first.
    std::vector<KnownBlob> candidates(std::size_t i) const {
        std::vector<KnownBlob> found = storage::known_blobs(layers_, image_.chain_ids[i]);
        if (i < stored_.layers.size()) {
            const oci::Descriptor& own = stored_.layers[i];
            const auto at =
                std::find_if(found.begin(), found.end(), [&](const KnownBlob& b) { return b.digest == own.digest; });
            if (at != found.end()) std::rotate(found.begin(), at, at + 1);
            else found.insert(found.begin(), {own.digest, own.size, storage::compression_of(own.media_type), {}});
        }
        std::erase_if(found, [&](const KnownBlob& blob) {
            const bool fits = plan_.compression.empty()
                                  ? blob.compression == "gzip" || (blob.compression == "zstd" && !plan_.docker)
                                  : blob.compression == plan_.compression;
            return !fits ||
                   (options_.force_compression && !options_.compression_format.empty() && options_.compression_level);
        });
        return found;
    }

    oci::Descriptor descriptor(const KnownBlob& blob) const {
        oci::Descriptor layer;
        layer.media_type = storage::layer_type(blob.compression, plan_.docker);
        layer.digest = blob.digest;
        layer.size = blob.size;
        return layer;
    }

    void make_manifest() {
        plan_.manifest = stored_;
        plan_.manifest.schema_version = 2;
        plan_.manifest.media_type = plan_.docker ? docker_manifest : oci_manifest;
        plan_.manifest.config->media_type = plan_.docker ? docker_config : oci_config;
        plan_.manifest.layers.assign(image_.chain_ids.size(), {});
        for (std::size_t i = 0; i < candidates_.size(); ++i)
            if (!candidates_[i].empty()) plan_.manifest.layers[i] = descriptor(candidates_[i].front());
    }

    /// The bytes: those that were stored if they say the same, so that the digest stays.
    std::string manifest_text() const {
        const bool same = image_.manifest_type == plan_.manifest.media_type && stored_.layers == plan_.manifest.layers;
        return same ? engine_.images().raw_manifest(image_) : json::dump(to_value(plan_.manifest));
    }

    /// Repositories of the same registry that have one of the layers.
    std::vector<std::string> neighbours() const {
        std::set<std::string> found;
        for (const auto& blobs : candidates_)
            for (const KnownBlob& blob : blobs)
                for (const std::string& path : mounts_of(blob)) found.insert(path);
        std::vector<std::string> list(found.begin(), found.end());
        if (list.size() > most_mounts) list.resize(most_mounts);
        return list;
    }
    std::vector<std::string> mounts_of(const KnownBlob& blob) const {
        std::vector<std::string> paths;
        for (const std::string& place : blob.places)
            if (place.starts_with(to_.domain + "/") && place != place_)
                paths.push_back(place.substr(to_.domain.size() + 1));
        return paths;
    }

    /// One question instead of one a layer: a registry that has the manifest has what it names.
    bool is_there_already() {
        for (const auto& blobs : candidates_)
            if (blobs.empty()) return false;
        registry::Ask ask;
        ask.kind = "head";
        ask.reference = to_.tag.empty() ? sha256(manifest_text()).str() : to_.tag;
        const registry::Answer answer = fetcher_->call(ask);
        return answer.found && answer.digest == sha256(manifest_text()).str();
    }

    void send_config() {
        const std::string bytes = engine_.images().raw_config(image_);
        registry::Ask ask;
        ask.kind = "exists";
        ask.reference = image_.id;
        if (fetcher_->call(ask).found) return;
        ask.kind = "upload";
        ask.size = static_cast<std::int64_t>(bytes.size());
        fetcher_->send(ask, bytes);
    }

    void send_layer(std::size_t i) {
        for (const KnownBlob& blob : candidates_[i]) {
            registry::Ask ask;
            ask.kind = "exists";
            ask.reference = blob.digest;
            ask.from = mounts_of(blob);
            if (ask.from.size() > most_mounts) ask.from.resize(most_mounts);
            const registry::Answer answer = fetcher_->call(ask);
            if (!answer.found) continue;
            say(short_id(i) + (answer.mounted ? ": Mounted" : ": Layer already exists"));
            return use(i, blob);
        }
        const KnownBlob blob = upload(i);
        say(short_id(i) + ": Pushed");
        use(i, blob);
    }

    void use(std::size_t i, const KnownBlob& blob) {
        const std::lock_guard guard(mutex_);
        plan_.manifest.layers[i] = descriptor(blob);
        storage::note_known_blob(layers_, image_.chain_ids[i], blob, place_);
    }

    KnownBlob upload(std::size_t i) {
        KnownBlob blob;
        resume_upload([&](const registry::Ask& ask) { blob = upload(i, ask); });
        return blob;
    }

    KnownBlob upload(std::size_t i, const registry::Ask& ask) {
        const storage::LayerRecord layer = engine_.images().layer(image_.chain_ids[i]);
        Pipe pipe = make_pipe();
        registry::Fetcher::Pending pending = fetcher_->begin(ask, pipe.read);
        pipe.read.reset();
        KnownBlob blob;
        blob.compression = plan_.compression.empty() ? "gzip" : plan_.compression;
        std::optional<Error> failure;
        try {
            storage::AssembleRequest request;
            request.diff_id = layer.diff_id;
            request.tar_size = layer.tar_size;
            request.compression = blob.compression;
            request.level = plan_.level;
            const auto reply = storage::assemble_tar(layers_.folder(layer.chain_id), pipe.write, request);
            blob.digest = reply.blob_digest;
            blob.size = reply.blob_size;
        } catch (const Error& error) {
            failure = error;
        }
        // Its digest is told before the end of its bytes is: who reads them must not take a torn layer for a whole one.
        pending.end_upload(failure ? "" : blob.digest);
        pipe.write.reset();
        try {
            pending.finish();
        } catch (Error& error) { // its reason comes first: the other program only saw a closed pipe
            if (failure && error.message() == "the upload was given up") throw Error(*failure);
            error.while_doing("layer '{}'", short_id(i));
            throw;
        }
        if (failure) throw Error(*failure);
        return blob;
    }

    Pushed store_manifest() {
        const std::string text = manifest_text();
        const Digest digest = engine::store_manifest(*fetcher_, to_.tag, {plan_.manifest.media_type, text});
        say(fmt::format("{}: digest: {} size: {}", to_.tag.empty() ? digest.str() : to_.tag, digest.str(),
                        text.size()));
        storage::append_event(
            engine_.store().data(),
            {.type = "image", .action = "push", .id = image_.id, .attributes = {{"name", to_.familiar()}}});
        return {digest, static_cast<std::int64_t>(text.size()), plan_.manifest.media_type};
    }

    Engine& engine_;
    const storage::ImageRecord& image_;
    const storage::Reference& to_;
    const PushOptions& options_;
    storage::LayerStore layers_;
    registry::Fetcher* fetcher_ = nullptr;
    std::string place_;
    oci::Manifest stored_;
    Plan plan_;
    std::vector<std::vector<KnownBlob>> candidates_; ///< of each layer
    std::mutex mutex_;                               ///< of plan_.manifest and the progress
};

} // namespace

Pushed push_image(Engine& engine, const storage::ImageRecord& image, const storage::Reference& to,
                  const PushOptions& options) {
    if (!to.digest.empty()) throw UsageError("an image is pushed to a tag, not to a digest");
    try {
        return Pushing(engine, image, to, options).run();
    } catch (UsageError&) {
        throw;
    } catch (Error& error) {
        error.while_doing("pushing '{}'", to.familiar());
        throw;
    }
}

} // namespace kist::engine
