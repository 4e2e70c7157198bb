// SPDX-License-Identifier: Apache-2.0
// mode assemble: tar-split.zst and diff/ become the tar they came from, and the digest proves it.
#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/in_root.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "unpack/compressor.hh"
#include "unpack/confine.hh"
#include "unpack/modes.hh"
#include "unpack/split_file.hh"

namespace kist::unpack {
namespace {

constexpr const char* split_name = "tar-split.zst";
constexpr std::size_t piece = 256u << 10;

class Assembler {
public:
    Assembler(const Dir& layer, const Fd& out, Compressor* compressor)
        : compressor_(compressor),
          layer_(layer),
          diff_(std::move(*layer.open_file("diff", O_RDONLY | O_DIRECTORY))),
          out_(out),
          buffer_(piece) {}

    void run() {
        find_replaced();
        SplitReader split(open_split());
        SplitRecord record;
        for (std::uint64_t index = 0; split.next(record); ++index) {
            if (record.kind == SplitRecord::Kind::raw) put(record.text);
            else if (record.kind == SplitRecord::Kind::contents) put_file(record, index);
        }
    }
    Digest digest() { return sha_.finish(); }
    std::uint64_t bytes() const { return bytes_; }

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

    void put(std::string_view bytes) {
        sha_.update(bytes);
        if (compressor_ != nullptr) compressor_->put(bytes);
        else write_full(out_, bytes, "the archive");
        bytes_ += bytes.size();
    }

    Fd open_contents(const SplitRecord& record, std::uint64_t index) const {
        if (const auto list = replaced_.find(record.text); list != replaced_.end())
            for (const Replaced& old : list->second)
                if (old.before > index) {
                    auto fd = layer_.open_dir("replaced").open_file(std::to_string(old.number), O_RDONLY);
                    if (fd) return std::move(*fd);
                }
        return open_in_root(diff_, record.text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    }

    void put_file(const SplitRecord& record, std::uint64_t index) {
        const Fd file = open_contents(record, index);
        struct stat st;
        if (::fstat(file.get(), &st) != 0) throw SysError("reading '{}'", printable(record.text));
        if (!S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != record.number)
            throw Error("the layer was changed: '{}' has another size", printable(record.text));
        for (std::uint64_t left = record.number; left > 0;) {
            const std::size_t want = std::min<std::uint64_t>(left, buffer_.size());
            const std::size_t got = read_full(file, {buffer_.data(), want}, "the layer");
            if (got < want) throw Error("the layer was changed: '{}' became shorter", printable(record.text));
            put({buffer_.data(), got});
            left -= got;
        }
    }

    Compressor* compressor_;
    const Dir& layer_;
    Fd diff_;
    const Fd& out_;
    std::vector<char> buffer_;
    std::map<std::string, std::vector<Replaced>> replaced_;
    Sha256 sha_;
    std::uint64_t bytes_ = 0;
};

} // namespace

storage::AssembleReply assemble_tar(const storage::AssembleRequest& request) {
    const Fd out{STDOUT_FILENO};
    const Dir layer(Fd{storage::unpack_folder_fd}, "layer");
    confine(layer.fd(), Writes::no);
    const auto compressor =
        request.compression.empty() ? nullptr : make_compressor(request.compression, request.level, out);
    Assembler assembler(layer, out, compressor.get());
    assembler.run();
    if (assembler.bytes() != static_cast<std::uint64_t>(request.tar_size) ||
        assembler.digest().str() != request.diff_id)
        throw Error("the layer's files were changed: they do not give '{}' any more", request.diff_id);
    storage::AssembleReply reply{.error = "", .blob_digest = request.diff_id, .blob_size = request.tar_size};
    if (!compressor) return reply;
    compressor->finish();
    reply.blob_digest = compressor->digest().str();
    reply.blob_size = static_cast<std::int64_t>(compressor->bytes());
    return reply;
}

} // namespace kist::unpack
