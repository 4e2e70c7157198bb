// SPDX-License-Identifier: Apache-2.0
// Image layouts. The input is the files one after the other, separated by line breaks: index.json, then blobs. In each '@' stands
// for the digest of the next file and '#' for its size, so that what is checked by digest is reached at all.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "base/error.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "unpack/oci_reader.hh"

namespace {

using namespace kist;

class Pieces : public unpack::Members {
public:
    explicit Pieces(std::vector<std::string> texts) {
        std::string digest, size;
        for (std::size_t i = texts.size(); i-- > 0;) {
            std::string text;
            for (const char c : texts[i])
                if (c == '@') text += digest;
                else if (c == '#') text += size;
                else text += c;
            if (text.size() > (1u << 20)) text.resize(1u << 20); // many '@' in a row
            const Digest own = sha256(text);
            digest = own.str();
            size = std::to_string(text.size());
            files_[i == 0 ? "index.json" : "blobs/sha256/" + own.hex()] = text;
            if (i == 0) files_["manifest.json"] = text;
        }
        files_["oci-layout"] = R"({"imageLayoutVersion":"1.0.0"})";
    }
    bool contains(const std::string& name) const override { return files_.contains(name); }
    unpack::Member find(const std::string& name) const override {
        const auto file = files_.find(name);
        if (file == files_.end()) throw Error("the archive has no '{}'", printable(name));
        return {0, static_cast<std::int64_t>(file->second.size())};
    }
    std::string read(const std::string& name, std::size_t limit) const override {
        if (find(name).size > static_cast<std::int64_t>(limit)) throw Error("'{}' is too large", printable(name));
        return files_.at(name);
    }

private:
    std::map<std::string, std::string> files_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Pieces pieces(split({reinterpret_cast<const char*>(data), size}, '\n'));
    for (const bool plain : {false, true}) {
        try {
            for (const storage::ArchiveImage& image : unpack::read_oci(pieces, {{"amd64", "linux", ""}, "", plain})) {
                if (image.layers.size() != image.config.rootfs.diff_ids.size()) std::abort();
                for (const storage::ArchiveLayer& layer : image.layers)
                    if (layer.offset < 0 || layer.size < 0) std::abort();
            }
        } catch (const Error&) {
        }
    }
    return 0;
}
