// SPDX-License-Identifier: Apache-2.0
// ustar blocks. https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06
#include "storage/tar_writer.hh"

#include "base/error.hh"

namespace kist::storage {
namespace {

constexpr std::size_t block_size = 512;
constexpr std::int64_t largest_octal_size = 077777777777;

void put(std::string& block, std::size_t at, std::string_view text) { block.replace(at, text.size(), text); }

/// Octal where it fits, else base 256 as GNU tar, Go and libarchive read it.
void put_size(std::string& block, std::int64_t size) {
    if (size <= largest_octal_size) return put(block, 124, fmt::format("{:011o}", size));
    block[124] = static_cast<char>(0x80);
    for (std::size_t i = 0; i < 8; ++i) block[135 - i] = static_cast<char>(size >> (8 * i) & 0xff);
}

} // namespace

std::string ustar_header(const std::string& name, std::int64_t size) {
    if (name.size() > 100) throw Error("writing an archive: the name '{}' is too long", name);
    std::string block(block_size, '\0');
    put(block, 0, name);
    put(block, 100, "0000644");
    put(block, 108, "0000000");
    put(block, 116, "0000000");
    put_size(block, size);
    put(block, 136, "00000000000");
    put(block, 148, "        ");
    block[156] = '0';
    put(block, 257, std::string_view("ustar\00000", 8));
    std::uint64_t sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    put(block, 148, fmt::format("{:06o}", sum));
    block[154] = '\0';
    return block;
}

void TarWriter::begin_file(const std::string& name, std::int64_t size) {
    write_full(out_, ustar_header(name, size), "the archive");
}

void TarWriter::end_file(std::int64_t size) {
    const std::size_t rest = static_cast<std::size_t>(size) % block_size;
    if (rest != 0) write_full(out_, std::string(block_size - rest, '\0'), "the archive");
}

void TarWriter::file(const std::string& name, std::string_view bytes) {
    begin_file(name, static_cast<std::int64_t>(bytes.size()));
    write_full(out_, bytes, "the archive");
    end_file(static_cast<std::int64_t>(bytes.size()));
}

void TarWriter::finish() { write_full(out_, std::string(2 * block_size, '\0'), "the archive"); }

} // namespace kist::storage
