// SPDX-License-Identifier: Apache-2.0
// The reader of layers against arbitrary bytes, compressed or not: decoders, headers, pax records, sparse maps and the
// cleaning of names. What it takes as whole must be given back by the tar-split file to the byte.
#include <cstdint>
#include <cstdlib>

#include <sys/mman.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "unpack/pipeline.hh"
#include "unpack/split_file.hh"
#include "unpack/tar_reader.hh"
#include "unpack/tree_writer.hh"

using namespace kist;
using namespace kist::unpack;

namespace {

constexpr std::uint64_t byte_limit = 1 << 20;

Fd memory(const std::uint8_t* data, std::size_t size) {
    Fd fd{::memfd_create("fuzz", MFD_CLOEXEC)};
    if (!fd || ::write(fd.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
    ::lseek(fd.get(), 0, SEEK_SET);
    return fd;
}

/// Bytes that the tar-split file says the tar had.
std::uint64_t split_size(const Fd& file) {
    ::lseek(file.get(), 0, SEEK_SET);
    SplitReader reader(file.duplicate());
    SplitRecord record;
    std::uint64_t size = 0;
    while (reader.next(record)) size += record.kind == SplitRecord::Kind::raw ? record.text.size() : record.number;
    return size;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Fd archive = memory(data, size);
    const Fd split{::memfd_create("split", MFD_CLOEXEC)};
    try {
        RawSource raw(archive, 0, static_cast<std::int64_t>(size));
        const auto decoder = make_decoder(raw, detect_compression(raw));
        Pipeline pipeline(decoder ? *decoder : raw, byte_limit);
        SplitWriter writer(split.duplicate());
        TarReader tar(pipeline, writer, TarEnd::lenient);
        Entry entry;
        while (tar.next(entry)) {
            try {
                const std::string path = clean_entry_path(entry.path);
                if (path.starts_with('/') || path.find("/../") != path.npos || path.starts_with("../") || path == "..")
                    std::abort();
            } catch (const Error&) {
            }
            tar.keep_payload(entry);
        }
        pipeline.finish();
        writer.finish();
        if (split_size(split) != pipeline.bytes()) std::abort();
    } catch (const Error&) {
    }
    return 0;
}
