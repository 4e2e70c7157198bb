// SPDX-License-Identifier: Apache-2.0
// mode assemble: tar-split.zst and diff/ become the tar they came from, and the digest proves it.
#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/in_root.hh"
#include "base/text.hh"
#include "unpack/byte_source.hh"
#include "unpack/compressor.hh"
#include "unpack/confine.hh"
#include "unpack/modes.hh"
#include "unpack/pipeline.hh"
#include "unpack/split_file.hh"

namespace kist::unpack {
namespace {

constexpr const char* split_name = "tar-split.zst";

/// The tar of a layer, put together while it is read.
class LayerTar : public ByteSource {
public:
    /// `size`: what the tar must have. More is an Error before it is read.
    LayerTar(const Dir& layer, std::uint64_t size)
        : layer_(layer),
          diff_(std::move(*layer.open_file("diff", O_RDONLY | O_DIRECTORY))),
          split_(open_split()),
          left_(size) {
        find_replaced();
    }

    std::size_t read(std::span<char> buffer) override {
        while (raw_.empty() && !file_) {
            if (!split_.next(record_)) return 0;
            const std::uint64_t index = next_index_++;
            if (record_.kind == SplitRecord::Kind::raw) raw_ = record_.text;
            else if (record_.kind == SplitRecord::Kind::contents) begin_file(index);
        }
        const std::size_t got = file_ ? read_file(buffer) : take_raw(buffer);
        if (got > left_) throw Error("the layer was changed: it has become longer");
        left_ -= got;
        return got;
    }
    /// True when all of it has been read.
    bool is_complete() const { return left_ == 0; }

private:
    struct Replaced {
        std::uint64_t before; ///< number of the record that says so
        std::uint64_t number;
    };

    Fd open_split() const {
        auto fd = layer_.open_file(split_name, O_RDONLY);
        if (!fd) throw Error("'{}' is missing", split_name);
        return std::move(*fd);
    }

    void find_replaced() {
        if (!layer_.exists("replaced")) return;
        SplitReader split(open_split());
        SplitRecord record;
        for (std::uint64_t index = 0; split.next(record); ++index)
            if (record.kind == SplitRecord::Kind::replaced) replaced_[record.text].push_back({index, record.number});
    }

    Fd open_contents(std::uint64_t index) const {
        if (const auto list = replaced_.find(record_.text); list != replaced_.end())
            for (const Replaced& old : list->second)
                if (old.before > index) {
                    auto fd = layer_.open_dir("replaced").open_file(std::to_string(old.number), O_RDONLY);
                    if (fd) return std::move(*fd);
                }
        return open_in_root(diff_, record_.text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    }

    void begin_file(std::uint64_t index) {
        Fd file = open_contents(index);
        struct stat st;
        if (::fstat(file.get(), &st) != 0) throw SysError("reading '{}'", printable(record_.text));
        if (!S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != record_.number)
            throw Error("the layer was changed: '{}' has another size", printable(record_.text));
        if (record_.number > 0) file_ = std::move(file); // an empty one is only looked at
        file_left_ = record_.number;
    }

    std::size_t read_file(std::span<char> buffer) {
        const std::size_t want = std::min<std::uint64_t>(file_left_, buffer.size());
        if (read_full(file_, buffer.first(want), "the layer") < want)
            throw Error("the layer was changed: '{}' became shorter", printable(record_.text));
        file_left_ -= want;
        if (file_left_ == 0) file_.reset();
        return want;
    }

    std::size_t take_raw(std::span<char> buffer) {
        const std::size_t count = raw_.copy(buffer.data(), buffer.size());
        raw_.remove_prefix(count);
        return count;
    }

    const Dir& layer_;
    Fd diff_;
    SplitReader split_;
    SplitRecord record_;
    std::uint64_t next_index_ = 0;
    std::string_view raw_; ///< what is left of record_'s bytes
    Fd file_;              ///< record_'s contents; empty: none is being read
    std::uint64_t file_left_ = 0;
    std::uint64_t left_;
    std::map<std::string, std::vector<Replaced>> replaced_;
};

/// Where a plain tar goes. What is in a file starts on its way to the disk at once, so the sync at the end waits for little.
class PlainOut {
public:
    explicit PlainOut(const Fd& fd) : fd_(fd), started_(::lseek(fd.get(), 0, SEEK_CUR)), at_(started_) {}
    void put(std::string_view bytes) {
        write_full(fd_, bytes, "the archive");
        if (started_ < 0) return; // a pipe
        at_ += static_cast<off_t>(bytes.size());
        if (at_ - started_ < piece) return;
        ::sync_file_range(fd_.get(), started_, at_ - started_, SYNC_FILE_RANGE_WRITE);
        started_ = at_;
    }

private:
    static constexpr off_t piece = 8 << 20;
    const Fd& fd_;
    off_t started_; ///< what is before this is on its way
    off_t at_;
};

} // namespace

storage::AssembleReply assemble_tar(const storage::AssembleRequest& request) {
    const Fd out{STDOUT_FILENO};
    const Dir layer(Fd{storage::unpack_folder_fd}, "layer");
    confine(layer.fd(), Writes::no);
    const auto compressor =
        request.compression.empty() ? nullptr : make_compressor(request.compression, request.level, out);
    const auto size = static_cast<std::uint64_t>(request.tar_size);
    LayerTar tar(layer, size);
    PlainOut plain(out);
    Pipeline pipeline(tar, size);
    for (std::span<const char> chunk = pipeline.next(); !chunk.empty(); chunk = pipeline.next()) {
        const std::string_view bytes(chunk.data(), chunk.size());
        if (compressor) compressor->put(bytes);
        else plain.put(bytes);
    }
    if (!tar.is_complete() || pipeline.finish().str() != request.diff_id)
        throw Error("the layer's files were changed: they do not give '{}' any more", request.diff_id);
    storage::AssembleReply reply{.error = "", .blob_digest = request.diff_id, .blob_size = request.tar_size};
    if (!compressor) return reply;
    compressor->finish();
    reply.blob_digest = compressor->digest().str();
    reply.blob_size = static_cast<std::int64_t>(compressor->bytes());
    return reply;
}

} // namespace kist::unpack
