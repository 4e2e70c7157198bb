// SPDX-License-Identifier: Apache-2.0
// pull: kist-fetch brings bytes, kist-unpack makes layers of them; here is decided what is missing.
#include "engine/pull.hh"

#include "base/error.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "registry/fetcher.hh"
#include "storage/event_log.hh"
#include "storage/image_writer.hh"
#include "storage/programs.hh"
#include "storage/unpack_client.hh"

namespace kist::engine {
namespace {

class Pulling {
public:
    Pulling(const storage::Store& store, registry::Fetcher& fetcher, const PullOptions& options)
        : layers_(store), work_(store), fetcher_(fetcher), options_(options) {}

    storage::HeldLayer layer(const oci::Descriptor& blob, const std::string& diff_id, const std::vector<std::string>& below) const {
        const std::string short_id = Digest::parse(blob.digest)->short_id();
        bool fetched = false;
        auto held = layers_.get_or_make(work_, below, diff_id, [&](const Dir& folder) {
            fetched = true;
            return fetch(blob, diff_id, folder);
        });
        if (options_.progress) options_.progress(short_id + (fetched ? ": Pull complete" : ": Already exists"));
        return held;
    }

private:
    storage::LayerReply fetch(const oci::Descriptor& blob, const std::string& diff_id, const Dir& folder) const {
        Pipe pipe = make_pipe();
        fetcher_.begin_blob(blob, pipe.write);
        pipe.write.reset();
        storage::LayerRequest request;
        request.blob_digest = blob.digest;
        request.diff_id = diff_id;
        std::optional<Error> failure;
        storage::LayerReply reply;
        try {
            reply = storage::unpack_layer(pipe.read, folder, request);
        } catch (const Error& error) {
            failure = error;
        }
        pipe.read.reset(); // a fetcher that still writes notices
        fetcher_.finish(); // its reason comes first: a torn transfer looks like a damaged archive to the unpacker
        if (failure) throw Error(*failure);
        if (reply.blob_digest != blob.digest && reply.diff_id != blob.digest) throw Error("layer {} has another digest", blob.digest);
        return reply;
    }

    storage::LayerStore layers_;
    storage::WorkFolder work_;
    registry::Fetcher& fetcher_;
    const PullOptions& options_;
};

} // namespace

Digest pull_image(Engine& engine, const storage::Reference& name, const PullOptions& options) {
    const oci::Platform platform = wanted_platform(options);
    const auto say = [&](const std::string& line) {
        if (options.progress) options.progress(line);
    };
    const storage::Store& store = engine.store();
    storage::sweep_work_folders(store);
    const auto before = engine.images().find(name.str());
    try {
        registry::Fetcher fetcher(storage::program_path("kist-fetch"), make_setup(engine.config(), name, options));
        const std::string wanted = name.digest.empty() ? name.tag : name.digest.str();
        const auto found = fetcher.image(wanted, platform);
        if (options.any() && !fits_platform(found.config, platform))
            throw Error("the image is for platform {}/{}, not {}/{}", printable(found.config.os),
                        printable(found.config.architecture), platform.os, platform.architecture);
        say(wanted + ": Pulling from " + (name.domain == "docker.io" ? name.path : name.domain + "/" + name.path));
        const Pulling pulling(store, fetcher, options);
        std::vector<storage::HeldLayer> held;
        std::vector<std::string> chain;
        for (std::size_t i = 0; i < found.layers.size(); ++i) {
            held.push_back(pulling.layer(found.layers[i], found.config.rootfs.diff_ids[i], chain));
            chain.push_back(held.back().record.chain_id);
        }
        const Digest id = storage::store_image(
            store, {found.config_text, found.config, found.manifest_text, found.manifest_type}, held, {name});
        say("Digest: " + sha256(found.list_text.empty() ? found.manifest_text : found.list_text).str());
        const bool known = before && before->id == id.str();
        say((known ? "Status: Image is up to date for " : "Status: Downloaded newer image for ") + name.familiar());
        storage::append_event(store.data(), {.type = "image",
                                             .action = "pull",
                                             .id = id.str(),
                                             .attributes = {{"name", name.familiar()}}});
        return id;
    } catch (Error& error) {
        error.while_doing("pulling '{}'", name.familiar());
        throw;
    }
}

} // namespace kist::engine
