// SPDX-License-Identifier: Apache-2.0
// pull: kist-fetch brings bytes, kist-unpack makes layers of them; here is decided what is missing and where it is asked for.
#include "engine/pull.hh"

#include <mutex>

#include <fcntl.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "engine/blob_pump.hh"
#include "engine/pull_watch.hh"
#include "engine/tags.hh"
#include "engine/transfers.hh"
#include "registry/challenge.hh"
#include "registry/fetcher.hh"
#include "storage/event_log.hh"
#include "storage/image_writer.hh"
#include "storage/known_blobs.hh"
#include "storage/partial_blob.hh"
#include "storage/programs.hh"
#include "storage/unpack_client.hh"

namespace kist::engine {
namespace {

constexpr int pipe_size = 1 << 20;
/// A smaller blob is fetched again sooner than it is kept.
constexpr std::int64_t least_kept = 1 << 20;

/// Where an image is asked for: its registry, or a mirror of that.
struct Endpoint {
    std::string host, repository;
    bool is_mirror = false;
};

std::vector<Endpoint> endpoints_of(const HostConfig& config, const storage::Reference& name) {
    std::vector<Endpoint> endpoints;
    if (name.domain == "docker.io")
        for (const std::string& mirror : config.registry_mirrors) {
            const auto url = registry::parse_url(mirror);
            if (!url) throw Error("kist.json: registry-mirrors: '{}' is no address", printable(mirror));
            const std::string port = url->port == (url->scheme == "https" ? "443" : "80") ? "" : ":" + url->port;
            endpoints.push_back({url->host + port, name.path, true});
        }
    if (const auto own = config.registries.find(name.domain); own != config.registries.end())
        for (const std::string& mirror : own->second.mirrors) {
            const auto [host, path] = split_once(mirror, '/');
            endpoints.push_back({host, path && !path->empty() ? *path + "/" + name.path : name.path, true});
        }
    endpoints.push_back({name.domain, name.path, false});
    return endpoints;
}

Pipe make_wide_pipe() {
    Pipe pipe = make_pipe();
    ::fcntl(pipe.write.get(), F_SETPIPE_SZ, pipe_size); // a user's limit may forbid it: then it is a narrow one
    return pipe;
}

class Pulling {
public:
    Pulling(const storage::Store& store, registry::Fetcher& fetcher, const PullOptions& options, std::string place,
            std::int64_t most_at_once)
        : store_(store),
          layers_(store),
          work_(store),
          fetcher_(fetcher),
          options_(options),
          place_(std::move(place)),
          most_at_once_(static_cast<std::size_t>(most_at_once)) {}

    std::vector<storage::HeldLayer> layers(const registry::FoundImage& found) {
        const auto& diff_ids = found.config.rootfs.diff_ids;
        std::vector<std::string> chain;
        for (const std::string& diff_id : diff_ids)
            chain.push_back(storage::chain_id(chain.empty() ? "" : chain.back(), diff_id));
        std::vector<std::optional<storage::HeldLayer>> held(diff_ids.size());
        PullWatch watch(found.layers, options_.watch);
        at_once(
            diff_ids.size(), most_at_once_,
            [&](std::size_t i) {
                held[i] = layer(found.layers[i], watch.layer(i), diff_ids[i],
                                {chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(i)});
            },
            [&] { fetcher_.stop(); });
        std::vector<storage::HeldLayer> all;
        for (auto& one : held) all.push_back(std::move(*one));
        return all;
    }

private:
    storage::HeldLayer layer(const oci::Descriptor& blob, PullWatch::Layer& watched, const std::string& diff_id,
                             const std::vector<std::string>& below) {
        using State = LayerStatus::State;
        bool fetched = false;
        auto held = layers_.get_or_make(work_, below, diff_id, [&](const Dir& folder) {
            fetched = true;
            watched.state = State::fetching;
            return fetch(blob, watched, diff_id, folder);
        });
        watched.state = fetched ? State::done : State::known;
        if (!options_.watch) say(watched.short_id + (fetched ? ": Pull complete" : ": Already exists"));
        storage::note_known_blob(layers_, held.record.chain_id,
                                 {blob.digest, blob.size, storage::compression_of(blob.media_type), {}}, place_);
        return held;
    }
    void say(const std::string& line) {
        const std::lock_guard guard(mutex_);
        if (options_.progress) options_.progress(line);
    }

    storage::LayerReply fetch(const oci::Descriptor& blob, PullWatch::Layer& watched, const std::string& diff_id,
                              const Dir& folder) {
        auto partial =
            blob.size >= least_kept ? storage::PartialBlob::open(store_, *Digest::parse(blob.digest)) : std::nullopt;
        if (partial && partial->size() >= blob.size) { // cannot be a beginning
            partial->discard();
            partial = storage::PartialBlob::open(store_, *Digest::parse(blob.digest));
        }
        Pipe from = make_wide_pipe(), to = make_wide_pipe();
        registry::Ask ask;
        ask.kind = "blob";
        ask.reference = blob.digest;
        ask.size = blob.size;
        ask.offset = partial ? partial->size() : 0;
        registry::Fetcher::Pending pending = fetcher_.begin(ask, from.write);
        from.write.reset();
        BlobPump pump(std::move(from.read), std::move(to.write), partial ? &*partial : nullptr, watched.moved);
        std::optional<Error> failure;
        storage::LayerReply reply;
        try {
            storage::LayerRequest request;
            request.blob_digest = blob.digest;
            request.diff_id = diff_id;
            reply = storage::unpack_layer(to.read, folder, request);
        } catch (const Error& error) {
            failure = error;
        }
        to.read.reset(); // a pump that still writes notices, and with it the fetcher
        const bool unpacker_failed = pump.wait();
        // What the fetcher says comes first: a torn transfer looks like a damaged archive to the unpacker. But if that one gave
        // up before, what is kept is as wrong as what it read.
        if (partial && unpacker_failed) partial->discard();
        if (!unpacker_failed || !failure) pending.finish();
        if (partial) partial->discard();
        if (failure) throw Error(*failure);
        if (reply.blob_digest != blob.digest && reply.diff_id != blob.digest)
            throw Error("layer {} has another digest", blob.digest);
        return reply;
    }

    const storage::Store& store_;
    storage::LayerStore layers_;
    storage::WorkFolder work_;
    registry::Fetcher& fetcher_;
    const PullOptions& options_;
    const std::string place_;
    const std::size_t most_at_once_;
    std::mutex mutex_; ///< of the progress
};

void check_platform(const registry::FoundImage& found, const PullOptions& options, const oci::Platform& platform) {
    if (!options.any() || fits_platform(found.config, platform)) return;
    throw Error("the image is for platform {}, not {}", printable(platform_of(found.config).str()), platform.str());
}

void say(const PullOptions& options, const std::string& line) {
    if (options.progress) options.progress(line);
}

/// With all its layers: then a registry that still means its manifest has nothing new.
std::optional<storage::ImageRecord> whole_image(Engine& engine, const storage::Reference& name) {
    auto image = engine.images().find(name.str());
    if (!image || image->is_list()) return std::nullopt;
    const storage::LayerStore layers(engine.store());
    for (const std::string& chain : image->chain_ids)
        if (!layers.exists(chain)) return std::nullopt;
    return image;
}

/// What scripts read after the layers.
void say_result(Engine& engine, const registry::FoundImage& found, const storage::Reference& name, bool is_new,
                const PullOptions& options) {
    say(options, "Digest: " + sha256(found.list_text.empty() ? found.manifest_text : found.list_text).str());
    say(options,
        (is_new ? "Status: Downloaded newer image for " : "Status: Image is up to date for ") + name.familiar());
    const auto image = engine.images().find(name.str());
    storage::append_event(
        engine.store().data(),
        {.type = "image", .action = "pull", .id = image ? image->id : "", .attributes = {{"name", name.familiar()}}});
}

Digest pull_from(Engine& engine, const Endpoint& endpoint, const storage::Reference& name, const PullOptions& options) {
    const oci::Platform platform = wanted_platform(options);
    registry::Setup setup = make_setup(engine.config(), endpoint.host, endpoint.repository, options);
    add_credential(setup, endpoint.host, options);
    registry::Fetcher fetcher(storage::program_path("kist-fetch"), setup);
    const std::string wanted = name.digest.empty() ? name.tag : name.digest.str();
    const auto before = whole_image(engine, name);
    const auto found = fetcher.image(wanted, platform, before && !options.any() ? before->manifest_digest : "");
    const std::string place = endpoint.host + "/" + endpoint.repository;
    say(options, wanted + ": Pulling from " + (endpoint.host == "docker.io" ? endpoint.repository : place));
    if (found.config_digest.empty()) {
        fetcher.stop(); // it ends while we go on
        const auto manifest = from_value<oci::Manifest>(json::parse(found.manifest_text, "manifest"), "manifest");
        for (const oci::Descriptor& layer : manifest.layers)
            say(options, Digest::parse(layer.digest)->short_id() + ": Already exists");
        say_result(engine, found, name, false, options);
        return *Digest::parse(before->id);
    }
    check_platform(found, options, platform);
    Pulling pulling(engine.store(), fetcher, options, place, engine.config().max_concurrent_downloads);
    const auto held = pulling.layers(found);
    const Digest id = storage::store_image(
        engine.store(), {found.config_text, found.config, found.manifest_text, found.manifest_type}, held, {name});
    say_result(engine, found, name, !before || before->id != id.str(), options);
    return id;
}

} // namespace

Digest pull_image(Engine& engine, const storage::Reference& name, const PullOptions& options) {
    storage::sweep_work_folders(engine.store());
    storage::sweep_partial_blobs(engine.store(), false);
    for (const Endpoint& endpoint : endpoints_of(engine.config(), name)) {
        try {
            return pull_from(engine, endpoint, name, options);
        } catch (const UsageError&) {
            throw;
        } catch (Error& error) {
            if (endpoint.is_mirror) {
                say(options, "mirror " + endpoint.host + ": " + error.message());
                continue;
            }
            error.while_doing("pulling '{}'", name.familiar());
            throw;
        }
    }
    throw Error("pulling '{}': no registry to ask", name.familiar());
}

std::vector<std::string> list_tags(Engine& engine, const storage::Reference& name, const RegistryOptions& options) {
    try {
        registry::Fetcher fetcher(storage::program_path("kist-fetch"), make_setup(engine.config(), name, options));
        registry::Ask ask;
        ask.kind = "tags";
        const std::string text = fetcher.bytes(ask, registry::listing_limit);
        std::vector<std::string> tags;
        const Value document = json::parse(text, "answer of kist-fetch", {.bytes = registry::listing_limit});
        for (const Value& tag : document.as_list())
            // Only what can stand behind a name: the list is the registry's.
            if (storage::Reference::try_parse(name.domain + "/" + name.path + ":" + tag.as_string()))
                tags.push_back(tag.as_string());
        return tags;
    } catch (Error& error) {
        error.while_doing("listing the tags of '{}'", name.familiar_name());
        throw;
    }
}

} // namespace kist::engine
