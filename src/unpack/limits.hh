// SPDX-License-Identifier: Apache-2.0
// The bounds on what an archive may ask of us (SECURITY P9, F29, F30). Each is far above what real images hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kist::unpack::limits {

inline constexpr std::uint64_t entries = 10'000'000;
inline constexpr std::size_t path_bytes = 4095; ///< PATH_MAX without its NUL
inline constexpr std::size_t component_bytes = 255;
/// pax records or a GNU long name, as Go's archive/tar
inline constexpr std::size_t extended_header_bytes = 1u << 20;
inline constexpr std::size_t xattr_value_bytes = 64u << 10; ///< XATTR_SIZE_MAX
inline constexpr std::size_t xattrs = 256;
inline constexpr std::size_t sparse_pieces = 1u << 20;
/// Blocks after the end of the archive: tar pads to its record size, some tools much further.
inline constexpr std::uint64_t trailing_bytes = 64u << 20;
/// Memory of decoders: zstd --ultra -22 and xz -9 need 128 and 65 MiB at most.
inline constexpr int zstd_window_log = 27;
inline constexpr std::uint64_t xz_memory = 128u << 20;
/// A small compressed file that fills a disk: refused once this much came out at a ratio above `expansion_ratio`.
inline constexpr std::uint64_t expansion_free_bytes = 4ull << 30;
inline constexpr std::uint64_t expansion_ratio = 500;

inline constexpr std::size_t archive_members = 100'000; ///< of a docker-archive or oci-archive
inline constexpr std::size_t manifest_bytes = 4u << 20;
inline constexpr std::size_t archive_images = 1000;
inline constexpr std::size_t layers = 1000;

} // namespace kist::unpack::limits
