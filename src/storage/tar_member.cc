// SPDX-License-Identifier: Apache-2.0
// Encoding tar headers.
#include "storage/tar_member.hh"

#include <fmt/format.h>

namespace kist::storage {
namespace {

constexpr std::size_t tar_block = 512;
constexpr std::size_t name_size = 100;

/// Octal with a NUL behind it, as wide as the field.
void put_octal(std::string& header, std::size_t offset, std::size_t size, std::uint64_t value) {
    header.replace(offset, size - 1, fmt::format("{:0{}o}", value, size - 1));
}

constexpr std::uint64_t octal_limit(std::size_t size) { return (std::uint64_t{1} << (3 * (size - 1))) - 1; }
constexpr std::uint64_t id_limit = octal_limit(8), number_limit = octal_limit(12);

std::string ustar(const TarMember& m) {
    const auto fitting = [](std::uint64_t value, std::uint64_t limit) { return value <= limit ? value : 0; };
    std::string header(tar_block, '\0');
    header.replace(0, std::min(m.path.size(), name_size), m.path, 0, name_size);
    put_octal(header, 100, 8, m.mode & 07777);
    put_octal(header, 108, 8, fitting(m.uid, id_limit));
    put_octal(header, 116, 8, fitting(m.gid, id_limit));
    put_octal(header, 124, 12, fitting(m.size, number_limit));
    put_octal(header, 136, 12,
              m.mtime.tv_sec < 0 ? 0 : fitting(static_cast<std::uint64_t>(m.mtime.tv_sec), number_limit));
    header.replace(148, 8, "        ");
    header[156] = m.type;
    header.replace(157, std::min(m.link.size(), name_size), m.link, 0, name_size);
    header.replace(257, 8, std::string_view("ustar\00000", 8));
    put_octal(header, 329, 8, m.device_major);
    put_octal(header, 337, 8, m.device_minor);
    std::uint64_t sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    header.replace(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    return header;
}

/// "<length> <key>=<value>\n", where the length counts itself.
std::string pax_record(std::string_view key, std::string_view value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + 1;
    while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
    return fmt::format("{} {}={}\n", length, key, value);
}

/// "-0.5" is half a second before 1970, which the kernel keeps as -1 s and 500000000 ns.
std::string pax_time(const timespec& time) {
    if (time.tv_nsec == 0) return std::to_string(time.tv_sec);
    if (time.tv_sec >= 0) return fmt::format("{}.{:09}", time.tv_sec, time.tv_nsec);
    return fmt::format("-{}.{:09}", -(time.tv_sec + 1), 1'000'000'000 - time.tv_nsec);
}

std::string pax_records(const TarMember& m) {
    std::string records;
    if (m.path.size() > name_size) records += pax_record("path", m.path);
    if (m.link.size() > name_size) records += pax_record("linkpath", m.link);
    if (m.size > number_limit) records += pax_record("size", std::to_string(m.size));
    if (m.uid > id_limit) records += pax_record("uid", std::to_string(m.uid));
    if (m.gid > id_limit) records += pax_record("gid", std::to_string(m.gid));
    const bool odd_time = m.mtime.tv_sec < 0 || static_cast<std::uint64_t>(m.mtime.tv_sec) > number_limit;
    if (m.mtime.tv_nsec != 0 || odd_time) records += pax_record("mtime", pax_time(m.mtime));
    for (const auto& [name, value] : m.xattrs) records += pax_record("SCHILY.xattr." + name, value);
    return records;
}

} // namespace

std::size_t tar_padding(std::uint64_t size) {
    return static_cast<std::size_t>((tar_block - size % tar_block) % tar_block);
}

std::string tar_headers(const TarMember& m) {
    const std::string records = pax_records(m);
    if (records.empty()) return ustar(m);
    TarMember extended;
    extended.type = 'x';
    extended.path = "PaxHeaders.0/" + m.path.substr(0, 80);
    extended.mode = 0644;
    extended.size = records.size();
    return ustar(extended) + records + std::string(tar_padding(records.size()), '\0') + ustar(m);
}

} // namespace kist::storage
