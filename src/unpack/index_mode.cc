// SPDX-License-Identifier: Apache-2.0
// mode index: what images an archive holds. Everything it says is checked against digests where there are any; what it says
// about layers is checked when they are unpacked.
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "unpack/archive_json.hh"
#include "unpack/archive_members.hh"
#include "unpack/byte_source.hh"
#include "unpack/confine.hh"
#include "unpack/limits.hh"
#include "unpack/modes.hh"
#include "unpack/oci_reader.hh"

namespace kist::unpack {
namespace {

using storage::ArchiveImage;
using storage::ArchiveLayer;

ArchiveLayer layer_at(const ArchiveMembers& members, const std::string& name) {
    const Member member = members.find(name);
    ArchiveLayer layer;
    layer.offset = member.offset;
    layer.size = member.size;
    return layer;
}

/// A file whose name promises a digest must keep the promise: "<hex>.json", "blobs/sha256/<hex>".
void check_name(const std::string& name, const std::string& bytes) {
    std::string hex = name.substr(name.rfind('/') + 1);
    hex = hex.substr(0, hex.find('.'));
    const auto promised = Digest::from_hex(hex);
    if (promised && sha256(bytes) != *promised)
        throw Error("'{}' in the archive is damaged: it has another digest", printable(name));
}

std::vector<ArchiveImage> read_docker(const ArchiveMembers& members) {
    const auto entries = parse_json<std::vector<oci::DockerArchiveEntry>>(
        members.read("manifest.json", limits::manifest_bytes), "manifest.json");
    if (entries.empty()) throw Error("the archive has no image: 'manifest.json' is an empty list");
    if (entries.size() > limits::archive_images)
        throw Error("the archive has more than {} images", limits::archive_images);
    std::vector<ArchiveImage> images;
    for (const oci::DockerArchiveEntry& entry : entries) {
        ArchiveImage image;
        image.names = entry.repo_tags;
        image.config_text = members.read(entry.config, limits::manifest_bytes);
        check_name(entry.config, image.config_text);
        image.config = parse_json<oci::ImageConfig>(image.config_text, printable(entry.config));
        std::vector<ArchiveLayer> layers;
        for (const std::string& name : entry.layers) layers.push_back(layer_at(members, name));
        add_layers(image, std::move(layers));
        images.push_back(std::move(image));
    }
    return images;
}

void spool(RawSource& raw, const Fd& to, std::uint64_t room) {
    const auto decoder = make_decoder(raw, detect_compression(raw));
    ByteSource& source = decoder ? *decoder : raw;
    std::vector<char> buffer(256u << 10);
    std::uint64_t total = 0;
    while (const std::size_t got = source.read(buffer)) {
        total += got;
        if (total > room) throw Error("the archive is larger than the {} bytes there is room for", room);
        write_full(to, {buffer.data(), got}, "the temporary file");
    }
    if (total == 0) throw Error("it is empty");
}

std::vector<ArchiveImage> read_images(const Fd& data, const storage::IndexRequest& request) {
    const ArchiveMembers members(data);
    if (members.contains("manifest.json")) return read_docker(members);
    if (members.contains("index.json") && members.contains("oci-layout"))
        return read_oci(members, {{request.architecture, request.os, request.variant}});
    if (members.contains("repositories"))
        throw Error("it is a docker-archive of Docker before 1.10, which is not supported");
    throw Error("it is neither a docker-archive nor an oci-archive (a root filesystem as a tar is for 'kist import')");
}

} // namespace

storage::IndexReply index_archive(const storage::IndexRequest& request) {
    const Fd archive{STDIN_FILENO};
    const Fd spool_file{storage::unpack_spool_fd};
    const Dir folder(Fd{storage::unpack_folder_fd}, "work folder");
    const std::uint64_t room = room_on_disk(folder.fd(), request.byte_limit);
    confine(folder.fd(), Writes::no);

    storage::IndexReply reply;
    struct stat st;
    if (::fstat(archive.get(), &st) != 0) throw SysError("reading the archive");
    if (S_ISREG(st.st_mode)) {
        RawSource probe(archive, 0, st.st_size);
        reply.spooled = detect_compression(probe) != Compression::none;
    } else {
        reply.spooled = true;
    }
    if (reply.spooled) {
        RawSource raw(archive, 0, S_ISREG(st.st_mode) ? st.st_size : -1);
        spool(raw, spool_file, room);
    }
    reply.images = read_images(reply.spooled ? spool_file : archive, request);
    return reply;
}

storage::IndexReply index_layout(const storage::LayoutRequest& request) {
    const Fd folder{storage::unpack_folder_fd};
    confine(folder, Writes::no);
    storage::IndexReply reply;
    reply.images =
        read_oci(FolderMembers(), {{request.architecture, request.os, request.variant}, request.name, request.plain});
    return reply;
}

} // namespace kist::unpack
