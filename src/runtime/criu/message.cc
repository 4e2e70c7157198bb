// SPDX-License-Identifier: Apache-2.0
#include "runtime/criu/message.hh"

#include <optional>

#include "base/error.hh"

namespace kist::runtime::criu {

namespace {

/// The numbers of the fields are criu's, and never change.
class Writer {
public:
    void number(unsigned field, std::uint64_t value) {
        varint(std::uint64_t{field} << 3);
        varint(value);
    }
    void flag(unsigned field, bool value) {
        if (value) number(field, 1);
    }
    void text(unsigned field, std::string_view value) {
        if (!value.empty()) bytes(field, value);
    }
    void bytes(unsigned field, std::string_view value) {
        varint(std::uint64_t{field} << 3 | 2);
        varint(value.size());
        out_ += value;
    }
    std::string take() { return std::move(out_); }

private:
    void varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
        out_ += static_cast<char>(value);
    }
    std::string out_;
};

std::string encode(const Pair& pair) {
    Writer out;
    out.bytes(1, pair.key);
    out.bytes(2, pair.value);
    return out.take();
}

std::string encode(const Inherited& inherited) {
    Writer out;
    out.bytes(1, inherited.key);
    out.number(2, static_cast<unsigned>(inherited.fd));
    return out.take();
}

std::string encode_cgroup_root(const std::string* controller, const std::string& path) {
    Writer out;
    if (controller != nullptr) out.bytes(1, *controller);
    out.bytes(2, path);
    return out.take();
}

std::string encode(const Options& options) {
    constexpr unsigned log_level = 4;
    Writer out;
    out.number(1, static_cast<unsigned>(options.images_folder));
    if (options.pid > 0) out.number(2, static_cast<unsigned>(options.pid));
    out.flag(3, options.leave_running);
    out.flag(4, options.ext_unix_sk);
    out.flag(5, options.tcp_established);
    out.flag(6, options.evasive_devices);
    out.flag(7, options.shell_job);
    out.flag(8, options.file_locks);
    out.number(9, log_level);
    out.text(10, options.log_file);
    out.flag(12, true); // notifications
    out.text(13, options.root);
    out.text(14, options.parent_images);
    out.flag(15, options.track_mem);
    out.flag(16, options.auto_dedup);
    if (options.work_folder >= 0) out.number(17, static_cast<unsigned>(options.work_folder));
    out.flag(18, options.link_remap);
    for (const Pair& mount : options.mounts) out.bytes(23, encode(mount));
    out.flag(24, true); // what older ones know instead of 34
    const bool everywhere = options.controllers.empty();
    if (everywhere && !options.cgroup_root.empty()) out.bytes(25, encode_cgroup_root(nullptr, options.cgroup_root));
    for (const std::string& controller : options.controllers)
        out.bytes(25, encode_cgroup_root(&controller, options.cgroup_root));
    out.flag(26, options.restore_as_sibling);
    for (const Inherited& inherited : options.inherited) out.bytes(27, encode(inherited));
    out.number(34, static_cast<unsigned>(options.cgroups));
    for (const std::string& external : options.external) out.bytes(37, external);
    if (options.empty_namespaces != 0) out.number(38, options.empty_namespaces);
    for (const Pair& joined : options.joined_namespaces) out.bytes(39, encode(joined));
    out.text(44, options.freeze_cgroup);
    out.flag(50, options.orphan_pts_master);
    out.text(53, options.lsm_profile);
    out.text(63, options.lsm_mount_context);
    return out.take();
}

/// Goes through the fields of a message.
class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    struct Field {
        std::uint64_t number = 0, value = 0;
        std::string_view bytes = {};
    };
    std::optional<Field> next() {
        if (rest_.empty()) return std::nullopt;
        const std::uint64_t key = varint();
        Field field{.number = key >> 3};
        switch (key & 7) {
        case 0: field.value = varint(); break;
        case 1: take(8); break;
        case 2: field.bytes = take(varint()); break;
        case 5: take(4); break;
        default: throw malformed();
        }
        return field;
    }

private:
    static Error malformed() { return Error("criu's answer cannot be read"); }
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const auto byte = static_cast<unsigned char>(take(1).front());
            value |= std::uint64_t{byte & 0x7fu} << shift;
            if (byte < 0x80) return value;
        }
        throw malformed();
    }
    std::string_view take(std::uint64_t count) {
        if (count > rest_.size()) throw malformed();
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    std::string_view rest_;
};

int first_number(std::string_view bytes) {
    Reader in(bytes);
    for (auto field = in.next(); field; field = in.next())
        if (field->number == 1) return static_cast<int>(field->value);
    return 0;
}

void read_notification(std::string_view bytes, Response& response) {
    Reader in(bytes);
    for (auto field = in.next(); field; field = in.next()) {
        if (field->number == 1) response.notification = field->bytes;
        if (field->number == 2) response.notified_pid = static_cast<int>(field->value);
    }
}

} // namespace

std::string encode(Request request, const Options& options) {
    Writer out;
    out.number(1, static_cast<unsigned>(request));
    out.bytes(2, encode(options));
    return out.take();
}

std::string encode_answer(bool go_on) {
    Writer out;
    out.number(1, static_cast<unsigned>(Request::notify));
    out.number(3, go_on ? 1 : 0);
    return out.take();
}

Response decode(std::string_view bytes) {
    Response response;
    Reader in(bytes);
    for (auto field = in.next(); field; field = in.next()) {
        switch (field->number) {
        case 1: response.type = static_cast<int>(field->value); break;
        case 2: response.success = field->value != 0; break;
        case 4: response.pid = first_number(field->bytes); break;
        case 5: read_notification(field->bytes, response); break;
        case 7: response.error = static_cast<int>(field->value); break;
        case 9: response.message = field->bytes; break;
        default: break;
        }
    }
    return response;
}

} // namespace kist::runtime::criu
