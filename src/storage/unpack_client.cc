// SPDX-License-Identifier: Apache-2.0
// The side of kist in the talk with kist-unpack. Its answers come from a process that read untrusted bytes, so they are parsed
// with limits like any other text.
#include "storage/unpack_client.hh"

#include <algorithm>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/process.hh"
#include "base/signals.hh"
#include "storage/programs.hh"

namespace kist::storage {
namespace {

[[noreturn]] void report_death(const ExitStatus& status) {
    if (status.signal == SIGSYS)
        throw Error(
            "unpacking: kist-unpack was stopped because it tried what it must not do (is the archive hostile?)");
    if (status.signal != 0) throw Error("unpacking: kist-unpack was killed by {}", signal_name(status.signal));
    throw Error("unpacking: kist-unpack ended with code {} without an answer", status.exit_code);
}

struct Started {
    Child child;
    Fd answer;
};

template <Record Request>
Started start(const std::string& mode, const Request& request, const Dir& folder,
              std::vector<std::pair<int, int>> fds) {
    Pipe answer = make_pipe();
    Spawn what;
    what.argv = {program_path("kist-unpack"), mode, json::dump(to_value(request))};
    what.fds = std::move(fds);
    what.fds.emplace_back(folder.fd().get(), unpack_folder_fd);
    what.fds.emplace_back(answer.write.get(), unpack_reply_fd);
    return {spawn(what), std::move(answer.read)};
}

template <Record Reply>
Reply finish(Child& child, const Fd& answer) {
    const std::string text = read_all(answer, unpack_reply_limit, "answer of kist-unpack");
    const ExitStatus status = child.wait();
    if (text.empty() || status.signal != 0) report_death(status);
    auto reply = from_value<Reply>(json::parse(text, "answer of kist-unpack", {.bytes = unpack_reply_limit}),
                                   "answer of kist-unpack");
    if (!reply.error.empty()) throw Error("{}", reply.error);
    return reply;
}

template <Record Reply, Record Request>
Reply ask(const std::string& mode, const Request& request, const Dir& folder, std::vector<std::pair<int, int>> fds) {
    Started started = start(mode, request, folder, std::move(fds));
    return finish<Reply>(started.child, started.answer);
}

} // namespace

// Two for each processor: when the shorter ones are done, the longest are not left to one of them.
std::size_t unpackings_at_a_time() { return std::clamp<std::size_t>(2 * std::thread::hardware_concurrency(), 2, 8); }

template <typename Reply>
Reply Asked<Reply>::wait() {
    return finish<Reply>(child_, answer_);
}
template class Asked<LayerReply>;
template class Asked<PackReply>;
template class Asked<AssembleReply>;

Unpacking start_layer(const Fd& archive, const Dir& folder, const LayerRequest& request) {
    Started started = start("layer", request, folder, {{archive.get(), STDIN_FILENO}});
    return {std::move(started.child), std::move(started.answer)};
}

LayerReply unpack_layer(const Fd& archive, const Dir& folder, const LayerRequest& request) {
    return start_layer(archive, folder, request).wait();
}

ExtractReply extract_archive(const Fd& archive, const Dir& root, const ExtractRequest& request) {
    return ask<ExtractReply>("extract", request, root, {{archive.get(), STDIN_FILENO}});
}

IndexReply index_archive(const Fd& archive, const Dir& folder, const Fd& spool, const IndexRequest& request) {
    return ask<IndexReply>("index", request, folder, {{archive.get(), STDIN_FILENO}, {spool.get(), unpack_spool_fd}});
}

IndexReply index_layout(const Dir& folder, const LayoutRequest& request) {
    const Fd null = open_null();
    return ask<IndexReply>("layout", request, folder, {{null.get(), STDIN_FILENO}});
}

Assembling start_assembling(const Dir& folder, const Fd& out, const AssembleRequest& request) {
    const Fd null = open_null();
    Started started = start("assemble", request, folder, {{null.get(), STDIN_FILENO}, {out.get(), STDOUT_FILENO}});
    return {std::move(started.child), std::move(started.answer)};
}

AssembleReply assemble_tar(const Dir& folder, const Fd& out, const AssembleRequest& request) {
    return start_assembling(folder, out, request).wait();
}

Packing start_packing(const Fd& plain, const Fd& packed, const Dir& folder) {
    Started started =
        start("pack", PackRequest{}, folder, {{plain.get(), STDIN_FILENO}, {packed.get(), STDOUT_FILENO}});
    return {std::move(started.child), std::move(started.answer)};
}

Fd expand_file(const Fd& packed, const Dir& folder) {
    constexpr std::int64_t memory_limit = 1 << 30;
    const auto expand = [&](Fd plain, std::int64_t limit) {
        if (!plain) throw SysError("making a temporary file");
        if (::lseek(packed.get(), 0, SEEK_SET) < 0) throw SysError("reading a compressed file");
        ask<PackReply>("expand", ExpandRequest{limit}, folder,
                       {{packed.get(), STDIN_FILENO}, {plain.get(), STDOUT_FILENO}});
        return plain;
    };
    try {
        return expand(Fd{::openat(folder.fd().get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)}, 0);
    } catch (const Error&) { // a full disk is when logs are needed most
        return expand(Fd{::memfd_create("expanded", MFD_CLOEXEC)}, memory_limit);
    }
}

} // namespace kist::storage
