// SPDX-License-Identifier: Apache-2.0
// pull: kist-fetch brings bytes, kist-unpack makes layers of them; here is decided what is missing.
#include "engine/pull.hh"

#include <algorithm>

#include "base/error.hh"
#include "base/text.hh"
#include "registry/fetcher.hh"
#include "storage/image_writer.hh"
#include "storage/programs.hh"
#include "storage/unpack_client.hh"

namespace kist::engine {
namespace {

oci::Platform parse_platform(const std::string& text) {
    oci::Platform platform = storage::host_platform();
    if (text.empty()) return platform;
    const std::vector<std::string> parts = split(text, '/');
    if (parts.size() < 2 || parts.size() > 3 || std::count(parts.begin(), parts.end(), "") != 0)
        throw UsageError("invalid platform '{}': it is OS/ARCH or OS/ARCH/VARIANT", printable(text));
    platform.os = parts[0];
    platform.architecture = parts[1];
    platform.variant = parts.size() == 3 ? parts[2] : "";
    return platform;
}

registry::Setup make_setup(const HostConfig& config, const storage::Reference& name, const PullOptions& options) {
    registry::Setup setup;
    setup.host = name.domain == "docker.io" ? "registry-1.docker.io" : name.domain;
    setup.repository = name.path;
    const auto& insecure = config.insecure_registries;
    setup.plain_http = std::find(insecure.begin(), insecure.end(), name.domain) != insecure.end();
    setup.verify_tls = options.verify_tls;
    setup.user = options.user;
    setup.password = options.password;
    setup.cert_folder = options.cert_folder;
    return setup;
}

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
    const oci::Platform platform = parse_platform(options.platform);
    const storage::Store& store = engine.store();
    storage::sweep_work_folders(store);
    try {
        registry::Fetcher fetcher(storage::program_path("kist-fetch"), make_setup(engine.config(), name, options));
        const auto found = fetcher.image(name.digest.empty() ? name.tag : name.digest.str(), platform);
        const Pulling pulling(store, fetcher, options);
        std::vector<storage::HeldLayer> held;
        std::vector<std::string> chain;
        for (std::size_t i = 0; i < found.layers.size(); ++i) {
            held.push_back(pulling.layer(found.layers[i], found.config.rootfs.diff_ids[i], chain));
            chain.push_back(held.back().record.chain_id);
        }
        return storage::store_image(store, {found.config_text, found.config, found.manifest_text, found.manifest_type}, held, {name});
    } catch (Error& error) {
        error.while_doing("pulling '{}'", name.familiar());
        throw;
    }
}

} // namespace kist::engine
