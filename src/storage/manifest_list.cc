// SPDX-License-Identifier: Apache-2.0
// The list goes to content/ first, then the record that names it, then the name: as images do.
#include "storage/manifest_list.hh"

#include <algorithm>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/time.hh"
#include "storage/event_log.hh"
#include "storage/image_names.hh"
#include "storage/record.hh"

namespace kist::storage {
namespace {

constexpr std::size_t text_limit = 4u << 20; ///< registries take no more, and nor do we

std::string record_name(const Digest& id) { return id.hex() + ".json"; }

std::set<std::string> as_set(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

} // namespace

const ListSource* ManifestList::source_of(const std::string& digest) const {
    const auto at = std::find_if(sources.begin(), sources.end(), [&](const auto& s) { return s.digest == digest; });
    return at == sources.end() ? nullptr : &*at;
}

void ManifestList::add(const oci::Descriptor& entry, const ListSource& source) {
    const auto old = std::find_if(index.manifests.begin(), index.manifests.end(),
                                  [&](const oci::Descriptor& d) { return d.digest == entry.digest; });
    if (old != index.manifests.end()) *old = entry;
    else index.manifests.push_back(entry);
    std::erase_if(sources, [&](const ListSource& s) { return s.digest == entry.digest; });
    sources.push_back(source);
}

void ManifestList::remove(const std::string& digest) {
    std::erase_if(index.manifests, [&](const oci::Descriptor& d) { return d.digest == digest; });
    std::erase_if(sources, [&](const ListSource& s) { return s.digest == digest; });
}

std::string list_text(const oci::Index& index) { return json::dump(to_value(index)); }

Digest ManifestLists::store_text(const std::string& text) const {
    if (text.size() > text_limit) throw Error("the manifest list is larger than {} bytes", text_limit);
    const Digest digest = sha256(text);
    const Dir content = content_folder(store_);
    write_atomically(content, digest.hex(), text, Durability::durable);
    return digest;
}

/// Two lists, or a list and an image that was pulled, may have the same bytes.
void ManifestLists::remove_unused(const std::vector<std::string>& digests) const {
    std::set<std::string> used;
    for (const ImageRecord& image : ImageStore(store_).all()) used.merge(as_set(image.content()));
    const Dir content = content_folder(store_);
    for (const std::string& digest : digests)
        if (const auto parsed = Digest::parse(digest); parsed && !used.contains(digest))
            content.remove_file(parsed->hex());
}

std::int64_t ManifestLists::size_of_artifacts(const ManifestList& list) const {
    std::set<std::string> blobs;
    for (const ListSource& source : list.sources) blobs.merge(as_set(source.content));
    const Dir content = content_folder(store_);
    std::int64_t size = 0;
    for (const std::string& digest : blobs) {
        struct stat st; // of what is missing `system check` tells
        const std::string name = digest.substr(digest.find(':') + 1);
        if (::fstatat(content.fd().get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) size += st.st_size;
    }
    return size;
}

std::string ManifestLists::artifact_text(const ListSource& source) const {
    std::string text = read_all(open_content(store_, source.digest), text_limit, source.digest);
    if (sha256(text).str() != source.digest) throw Error("the artifact {} is damaged in the store", source.digest);
    return text;
}

Digest ManifestLists::create(const Reference& name, const ManifestList& list) const {
    const FileLock held = ImageStore(store_).lock();
    if (ImageNames(store_).find(name)) throw Error("the name '{}' is already in use", name.familiar());
    const Digest id = *Digest::from_hex(random_hex(32));
    ImageRecord record;
    record.id = id.str();
    record.manifest_digest = store_text(list_text(list.index)).str();
    record.manifest_type = list.index.media_type;
    record.created = record.stored = Moment::now().ns;
    record.sources = list.sources;
    record.was_named(name);
    write_record(store_.data().create_dir("images"), record_name(id), record, Durability::durable);
    ImageNames(store_).set(name, id);
    append_event(store_.data(), {.type = "image",
                                 .action = "create",
                                 .id = id.str(),
                                 .attributes = {{"name", name.familiar()}, {"kind", "manifest list"}}});
    return id;
}

ManifestList ManifestLists::read(const ImageRecord& record) const {
    const std::string where = "manifest list '" + record.id + "'";
    ManifestList list;
    list.index = from_value<oci::Index>(json::parse(ImageStore(store_).raw_manifest(record), where), where);
    list.sources = record.sources;
    return list;
}

std::map<std::string, std::vector<std::string>> ManifestLists::named_images() const {
    std::map<std::string, std::vector<std::string>> named;
    for (const ImageRecord& record : ImageStore(store_).all())
        for (const ListSource& source : record.sources)
            if (!source.image.empty()) named[source.image].push_back(record.id);
    return named;
}

void ManifestLists::change(const Digest& id, const std::function<void(ManifestList&)>& act,
                           const std::vector<NewContent>& content) const {
    const ImageStore images(store_);
    const FileLock held = images.lock();
    ImageRecord record = images.get(id.str());
    ManifestList list = read(record);
    act(list);
    if (list.index.manifests.size() > most_entries) throw Error("a manifest list has at most {} entries", most_entries);
    const std::vector<std::string> old = record.content();
    for (const NewContent& blob : content) blob.place();
    if (!content.empty()) content.front().sync();
    record.manifest_digest = store_text(list_text(list.index)).str();
    record.manifest_type = list.index.media_type;
    record.sources = list.sources;
    record.size = size_of_artifacts(list);
    write_record(store_.data().create_dir("images"), record_name(id), record, Durability::durable);
    if (record.content() != old) remove_unused(old);
}

} // namespace kist::storage
