// SPDX-License-Identifier: Apache-2.0
// import: a root filesystem as one tar becomes an image of one layer.
#include "base/error.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "storage/event_log.hh"
#include "storage/image_writer.hh"
#include "storage/unpack_client.hh"

namespace kist::storage {
namespace {

oci::ImageConfig make_config(const ImportOptions& options, const LayerRecord& layer) {
    const oci::Platform host = host_platform();
    const bool is_foreign = !options.architecture.empty() && options.architecture != host.architecture;
    oci::ImageConfig config;
    config.created = to_rfc3339(Moment::now());
    config.architecture = options.architecture.empty() ? host.architecture : options.architecture;
    config.os = options.os.empty() ? host.os : options.os;
    config.variant = !options.variant.empty() || is_foreign ? options.variant : host.variant;
    config.config = options.config;
    config.rootfs.diff_ids = {layer.diff_id};
    oci::History step;
    step.created = config.created;
    step.created_by = join(options.changes, "; ");
    step.comment = options.message.empty() ? "Imported from -" : options.message;
    config.history = {step};
    return config;
}

} // namespace

Digest ImageStore::import(const Fd& archive, const ImportOptions& options, const std::optional<Reference>& name) {
    sweep_work_folders(store_);
    const WorkFolder work(store_);
    std::vector<HeldLayer> layers;
    try {
        layers.push_back(LayerStore(store_).make_new(
            work, {}, [&](const Dir& folder) { return unpack_layer(archive, folder, LayerRequest{}); }));
    } catch (Error& error) {
        error.while_doing("importing the archive");
        throw;
    }
    NewImage image;
    image.config = make_config(options, layers.front().record);
    image.config_text = json::dump(to_value(image.config));
    Digest id = store_image(store_, image, layers, name ? std::vector{*name} : std::vector<Reference>{});
    append_event(store_.data(), {.type = "image",
                                 .action = "import",
                                 .id = id.str(),
                                 .attributes = {{"name", name ? name->familiar() : id.str()}}});
    return id;
}

} // namespace kist::storage
