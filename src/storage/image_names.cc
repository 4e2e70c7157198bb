// SPDX-License-Identifier: Apache-2.0
// Names of images as symbolic links.
#include "storage/image_names.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/parallel.hh"
#include "base/sha256.hh"
#include "base/text.hh"

namespace kist::storage {
namespace {

constexpr const char* names_folder = "images/names";
constexpr std::size_t longest_plain_name = 200;

struct NameTarget {
    Digest id;
    std::string name; ///< of the reference, whole
    Reference reference;
};

std::optional<NameTarget> parse_target(std::string_view text) {
    const auto [id_text, name] = split_once(text, ' ');
    const auto id = Digest::parse(id_text);
    if (!id || !name) return std::nullopt;
    auto reference = Reference::try_parse(*name);
    if (!reference) return std::nullopt;
    return NameTarget{*id, std::string(*name), std::move(*reference)};
}

std::optional<NameTarget> read_target(const Fd& folder, const std::string& path) {
    std::array<char, PATH_MAX> buffer;
    const ssize_t length = ::readlinkat(folder.get(), path.c_str(), buffer.data(), buffer.size());
    if (length < 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EINVAL) return std::nullopt;
        throw SysError("reading image name '{}'", path);
    }
    return parse_target(std::string_view(buffer.data(), static_cast<std::size_t>(length)));
}

Dir writable_folder(const Store& store) { return store.data().create_dir("images").create_dir("names"); }

} // namespace

std::string name_file(const Reference& reference) {
    std::string name = reference.str();
    if (name.size() > longest_plain_name) return "+" + sha256(name).hex();
    std::replace(name.begin(), name.end(), '/', '+');
    return name;
}

std::optional<Digest> ImageNames::find(const Reference& reference) const {
    const auto target = read_target(store_.data().fd(), std::string(names_folder) + "/" + name_file(reference));
    if (!target) return std::nullopt;
    return target->id;
}

std::vector<std::pair<Reference, Digest>> ImageNames::all() const {
    const auto images = store_.data().open_dir_if_exists("images");
    const auto names = images ? images->open_dir_if_exists("names") : std::nullopt;
    if (!names) return {};
    const std::vector<std::string> files = names->names();
    std::vector<std::optional<NameTarget>> targets(files.size());
    in_parallel(files.size(), [&](std::size_t i) { targets[i] = read_target(names->fd(), files[i]); });
    std::erase_if(targets, [](const auto& target) { return !target; });
    std::sort(targets.begin(), targets.end(), [](const auto& a, const auto& b) { return a->name < b->name; });
    std::vector<std::pair<Reference, Digest>> found;
    found.reserve(targets.size());
    for (auto& target : targets) found.emplace_back(std::move(target->reference), target->id);
    return found;
}

void ImageNames::set_unsynced(const Reference& reference, const Digest& id) const {
    const Dir folder = writable_folder(store_);
    const std::string text = id.str() + " " + reference.str();
    // A name that starts with a dot is no reference, so what a crash leaves here is never taken for one.
    const std::string temporary = ".new-" + random_hex(8);
    if (::symlinkat(text.c_str(), folder.fd().get(), temporary.c_str()) != 0)
        throw SysError("naming image '{}'", reference.familiar());
    if (::renameat(folder.fd().get(), temporary.c_str(), folder.fd().get(), name_file(reference).c_str()) != 0) {
        const int code = errno;
        folder.remove_file(temporary);
        throw SysError(SysError::Code{code}, "naming image '{}'", reference.familiar());
    }
}

void ImageNames::sync() const { writable_folder(store_).sync(); }

void ImageNames::set(const Reference& reference, const Digest& id) const {
    set_unsynced(reference, id);
    sync();
}

bool ImageNames::remove(const Reference& reference) const {
    const Dir folder = writable_folder(store_);
    if (!folder.remove_file(name_file(reference))) return false;
    folder.sync();
    return true;
}

} // namespace kist::storage
