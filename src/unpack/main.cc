// SPDX-License-Identifier: Apache-2.0
// kist-unpack: the only program of kist that reads tar entries and compressed data. Started by kist (storage/unpack_client.cc),
// never by a user; it does one job of storage/unpack_protocol.hh, answers once, and ends.
#include <cstdio>
#include <string>

#include <sys/stat.h>

#include "base/error.hh"
#include "unpack/modes.hh"
#include "unpack/reply.hh"

namespace kist::unpack {
namespace {

template <Record Request, Record Reply>
[[noreturn]] void serve(const std::string& text, Reply (*job)(const Request&)) {
    Reply reply;
    try {
        reply = job(from_value<Request>(json::parse(text, "request"), "request"));
    } catch (const std::exception& error) {
        reply = Reply{};
        reply.error = error.what();
    }
    reply_and_exit(reply);
}

} // namespace
} // namespace kist::unpack

int main(int argc, char** argv) {
    using namespace kist;
    struct stat st;
    if (argc != 3 || ::fstat(storage::unpack_folder_fd, &st) != 0 || ::fstat(storage::unpack_reply_fd, &st) != 0) {
        std::fputs("kist-unpack is a part of kist and is started by it\n", stderr);
        return static_cast<int>(ExitCode::engine);
    }
    const std::string mode = argv[1];
    if (mode == "layer") unpack::serve<storage::LayerRequest, storage::LayerReply>(argv[2], unpack::unpack_layer);
    if (mode == "extract")
        unpack::serve<storage::ExtractRequest, storage::ExtractReply>(argv[2], unpack::extract_archive);
    if (mode == "index") unpack::serve<storage::IndexRequest, storage::IndexReply>(argv[2], unpack::index_archive);
    if (mode == "layout") unpack::serve<storage::LayoutRequest, storage::IndexReply>(argv[2], unpack::index_layout);
    if (mode == "assemble")
        unpack::serve<storage::AssembleRequest, storage::AssembleReply>(argv[2], unpack::assemble_tar);
    if (mode == "pack") unpack::serve<storage::PackRequest, storage::PackReply>(argv[2], unpack::pack_file);
    if (mode == "expand") unpack::serve<storage::ExpandRequest, storage::PackReply>(argv[2], unpack::expand_file);
    std::fputs("kist-unpack: unknown mode\n", stderr);
    return static_cast<int>(ExitCode::engine);
}
