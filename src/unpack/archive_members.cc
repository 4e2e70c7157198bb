// SPDX-License-Identifier: Apache-2.0
// Walking the headers of a tar by offset.
#include "unpack/archive_members.hh"

#include <algorithm>
#include <optional>

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"
#include "unpack/limits.hh"
#include "unpack/tar_entry.hh"
#include "unpack/tree_writer.hh"

namespace kist::unpack {
namespace {

constexpr int most_links = 16;

std::string folder_of(const std::string& name) {
    const auto slash = name.rfind('/');
    return slash == std::string::npos ? "" : name.substr(0, slash + 1);
}

std::string read_at(const Fd& file, std::int64_t offset, std::int64_t size) {
    std::string bytes(static_cast<std::size_t>(size), '\0');
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t n =
            ::pread(file.get(), bytes.data() + done, bytes.size() - done, offset + static_cast<std::int64_t>(done));
        if (n < 0) throw SysError("reading the archive");
        if (n == 0) throw Error("the archive is cut short");
        done += static_cast<std::size_t>(n);
    }
    return bytes;
}

} // namespace

/// One pass over the headers.
class Scan {
public:
    explicit Scan(const Fd& file) : file_(file) {
        struct stat st;
        if (::fstat(file.get(), &st) != 0) throw SysError("reading the archive");
        end_ = st.st_size;
    }

    /// False at the end mark. `offset` is that of the payload.
    bool next(Entry& entry, std::int64_t& offset) {
        std::optional<Extensions> extensions;
        std::optional<std::string> long_path, long_link;
        while (true) {
            if (at_ == end_ && at_ > 0 && !extensions && !long_path && !long_link) return false;
            if (end_ - at_ < static_cast<std::int64_t>(block_size))
                throw Error("{}", at_ == 0 ? "it is no tar archive" : "the archive is cut short");
            const std::string block = read_at(file_, at_, block_size);
            const HeaderBlock header(block);
            if (header.is_zero()) return false;
            if (!header.checksum_matches())
                throw Error("{}",
                            at_ == 0 ? "it is no tar archive" : "a header is damaged: its checksum does not match");
            at_ += block_size;
            switch (header.type()) {
            case 'x': extensions = parse_extensions(text(header)); break;
            case 'g': text(header); break;
            case 'L': long_path = c_text(header); break;
            case 'K': long_link = c_text(header); break;
            default:
                entry = describe(header, std::move(extensions).value_or(Extensions{}), std::move(long_path),
                                 std::move(long_link));
                if (entry.is_sparse) throw Error("member '{}' is a sparse file", printable(entry.path));
                offset = at_;
                skip(entry.payload);
                return true;
            }
        }
    }

private:
    std::string text(const HeaderBlock& header) {
        const std::uint64_t size = header.payload();
        if (size > limits::extended_header_bytes)
            throw Error("an extended header is larger than {} bytes", limits::extended_header_bytes);
        const std::int64_t at = at_;
        skip(size);
        return read_at(file_, at, static_cast<std::int64_t>(size));
    }
    std::string c_text(const HeaderBlock& header) {
        const std::string bytes = text(header);
        return bytes.substr(0, bytes.find('\0'));
    }
    void skip(std::uint64_t size) {
        // The padding of the last member may be missing, its bytes may not.
        if (size > static_cast<std::uint64_t>(end_ - at_)) throw Error("the archive is cut short");
        at_ = std::min(end_, at_ + static_cast<std::int64_t>(size + padding_of(size)));
    }
    const Fd& file_;
    std::int64_t at_ = 0, end_ = 0;
};

ArchiveMembers::ArchiveMembers(const Fd& file) : file_(file) {
    Scan scan(file);
    Entry entry;
    std::int64_t offset = 0;
    while (scan.next(entry, offset)) {
        if (entry.type == EntryType::folder || entry.type == EntryType::ignored) continue;
        const std::string name = clean_entry_path(entry.path);
        Member member{offset, static_cast<std::int64_t>(entry.payload), ""};
        if (entry.type == EntryType::symlink) member.link = clean_entry_path(folder_of(name) + entry.link);
        else if (entry.type == EntryType::hard_link) member.link = clean_entry_path(entry.link);
        else if (entry.type != EntryType::file)
            throw Error("member '{}' is neither a file nor a link", printable(name));
        // Of two files with one name, readers in the wild take the first or the last: no safe choice.
        if (!members_.emplace(name, std::move(member)).second)
            throw Error("the archive has two members '{}'", printable(name));
        if (members_.size() > limits::archive_members)
            throw Error("the archive has more than {} members", limits::archive_members);
    }
}

Member ArchiveMembers::find(const std::string& name) const {
    std::string at = clean_entry_path(name);
    for (int i = 0; i < most_links; ++i) {
        const auto found = members_.find(at);
        if (found == members_.end()) throw Error("the archive has no '{}'", printable(at));
        if (found->second.link.empty()) return found->second;
        at = found->second.link;
    }
    throw Error("the links of '{}' in the archive go round in circles", printable(name));
}

std::string ArchiveMembers::read(const std::string& name, std::size_t limit) const {
    const Member member = find(name);
    if (static_cast<std::uint64_t>(member.size) > limit)
        throw Error("'{}' in the archive is larger than {} bytes", printable(name), limit);
    return read_at(file_, member.offset, member.size);
}

} // namespace kist::unpack
