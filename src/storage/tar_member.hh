// SPDX-License-Identifier: Apache-2.0
// The headers of one entry of a tar that we write: ustar, and pax records for what does not fit. Pure.
// https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace kist::storage {

struct TarMember {
    /// As in a header: '0' file, '1' hard link, '2' symbolic link, '3' and '4' devices, '5' folder, '6' FIFO.
    char type = '0';
    std::string path, link;
    std::uint32_t mode = 0, uid = 0, gid = 0;
    std::uint32_t device_major = 0, device_minor = 0;
    std::uint64_t size = 0;
    timespec mtime{};
    /// sorted by the caller, for the same bytes every time
    std::vector<std::pair<std::string, std::string>> xattrs;
};

/// A multiple of 512 bytes. The same member gives the same bytes everywhere.
std::string tar_headers(const TarMember&);
/// The zeros that fill up the last block of a member of this size.
std::size_t tar_padding(std::uint64_t size);

} // namespace kist::storage
