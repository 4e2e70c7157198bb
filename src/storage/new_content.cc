// SPDX-License-Identifier: Apache-2.0
#include "storage/new_content.hh"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/sha256.hh"
#include "base/text.hh"

namespace kist::storage {
namespace {

constexpr std::size_t piece_size = 256u << 10;
constexpr std::size_t beginning_size = 512;

Fd make_file(const Dir& folder) {
    Fd file{::openat(folder.fd().get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)};
    if (!file) throw SysError("making a file in '{}'", folder.path());
    return file;
}

} // namespace

Dir content_folder(const Store& store) { return store.data().create_dir("content").create_dir("sha256"); }

void NewContent::take(std::string_view bytes) {
    write_full(file_, bytes, folder_.path());
    size_ += std::ssize(bytes);
    if (beginning_.size() < beginning_size) beginning_.append(bytes.substr(0, beginning_size - beginning_.size()));
}

NewContent::NewContent(const Store& store, const Fd& from, const std::string& what)
    : folder_(content_folder(store)), file_(make_file(folder_)) {
    Sha256 hash;
    std::string piece(piece_size, '\0');
    while (const std::size_t count = read_full(from, piece, what)) {
        hash.update({piece.data(), count});
        take({piece.data(), count});
    }
    digest_ = hash.finish();
    if (::fdatasync(file_.get()) != 0) throw SysError("storing '{}'", printable(what));
}

NewContent::NewContent(const Store& store, std::string_view bytes)
    : folder_(content_folder(store)), file_(make_file(folder_)), digest_(sha256(bytes)) {
    take(bytes);
    if (::fdatasync(file_.get()) != 0) throw SysError("storing '{}'", digest_.str());
}

void NewContent::place() const {
    // By a second name and a rename: what is there under the digest may be damaged.
    const std::string name = std::string(temp_prefix) + random_hex(16);
    if (::linkat(file_.get(), "", folder_.fd().get(), name.c_str(), AT_EMPTY_PATH) != 0 ||
        ::renameat(folder_.fd().get(), name.c_str(), folder_.fd().get(), digest_.hex().c_str()) != 0)
        throw SysError("storing '{}'", folder_.path_of(digest_.hex()));
}

Fd open_content(const Store& store, const std::string& digest) {
    const auto parsed = Digest::parse(digest);
    auto file = parsed ? content_folder(store).open_file(parsed->hex(), O_RDONLY) : std::nullopt;
    if (!file) throw NotFound("the blob {} is missing from the store", printable(digest));
    return std::move(*file);
}

} // namespace kist::storage
