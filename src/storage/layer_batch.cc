// SPDX-License-Identifier: Apache-2.0
// Making layers side by side.
#include "storage/layer_batch.hh"

#include "base/error.hh"
#include "base/ids.hh"

namespace kist::storage {
namespace {

void name_layer(Error& error, const std::string& diff_id) {
    const auto digest = Digest::parse(diff_id);
    error.while_doing("layer '{}'", digest ? digest->short_id() : diff_id);
}

} // namespace

void LayerBatch::add(const std::string& diff_id, const std::function<Unpacking(const Dir&)>& start) {
    while (entries_.size() - waited_ >= unpackings_at_a_time()) wait_for(entries_[waited_]);
    try {
        LayerStore::Claim claim = layers_.claim(chain_, diff_id);
        Entry entry{.layer = std::move(claim.layer), .folder = {}, .diff_id = diff_id};
        if (!claim.is_known) {
            entry.folder = layers_.new_folder(work_);
            entry.work.emplace(start(entry.folder));
        }
        chain_.push_back(entry.layer.record.chain_id);
        entries_.push_back(std::move(entry));
    } catch (Error& error) {
        name_layer(error, diff_id);
        throw;
    }
}

void LayerBatch::wait_for(Entry& entry) {
    ++waited_;
    if (!entry.work) return;
    try {
        const LayerReply reply = entry.work->wait();
        entry.work.reset();
        entry.layer.record.take(reply);
        if (reply.diff_id != entry.diff_id) throw Error("it unpacked to '{}'", reply.diff_id);
    } catch (Error& error) {
        name_layer(error, entry.diff_id);
        throw;
    }
}

std::vector<HeldLayer> LayerBatch::finish() {
    while (waited_ < entries_.size()) wait_for(entries_[waited_]);
    std::vector<LayerStore::Finished> made;
    for (const Entry& entry : entries_)
        if (entry.folder) made.push_back({&entry.folder, &entry.layer.record});
    layers_.place(work_, made);
    std::vector<HeldLayer> held;
    for (Entry& entry : entries_) held.push_back(std::move(entry.layer));
    entries_.clear();
    return held;
}

} // namespace kist::storage
