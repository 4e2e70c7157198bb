// SPDX-License-Identifier: Apache-2.0
// Whoever writes one holds a lock on the file itself: it goes with the process, however that ends.
#include "storage/partial_blob.hh"

#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::storage {
namespace {

constexpr std::time_t oldest = 7 * 24 * 3600;

bool lock(const Fd& file) {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return ::fcntl(file.get(), F_OFD_SETLK, &whole) == 0;
}

} // namespace

std::optional<PartialBlob> PartialBlob::open(const Store& store, const Digest& digest) {
    Dir folder = store.data().create_dir("content").create_dir("partial");
    auto file = folder.open_file(digest.hex(), O_RDWR | O_CREAT, 0600);
    struct stat st;
    if (!file || !lock(*file) || ::fstat(file->get(), &st) != 0 || st.st_nlink == 0 ||
        ::lseek(file->get(), 0, SEEK_END) < 0)
        return std::nullopt;
    return PartialBlob(std::move(folder), digest.hex(), std::move(*file), st.st_size);
}

void PartialBlob::discard() { folder_.remove_file(name_); }

std::int64_t sweep_partial_blobs(const Store& store, bool all) {
    std::int64_t freed = 0;
    const auto content = store.data().open_dir_if_exists("content");
    const auto folder = content ? content->open_dir_if_exists("partial") : std::nullopt;
    if (!folder) return 0;
    for (const std::string& name : folder->names()) {
        const auto file = folder->open_file(name, O_RDWR);
        struct stat st;
        if (!file || ::fstat(file->get(), &st) != 0 || !lock(*file)) continue;
        if (!all && ::time(nullptr) - st.st_mtime < oldest) continue;
        folder->remove_file(name);
        freed += st.st_size;
    }
    return freed;
}

} // namespace kist::storage
