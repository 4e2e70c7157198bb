// SPDX-License-Identifier: Apache-2.0
// Opening and first making of the two roots. The marker is made first and filled last, so that a crash in between leaves
// an empty marker (which means "ours, not finished") and never a folder that looks foreign.
#include "storage/store.hh"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/fields.hh"
#include "base/json.hh"

namespace kist::storage {
namespace {

constexpr const char* marker_name = ".kist";
constexpr int newest_schema = 1;

struct Marker {
    int schema = 0;
    std::string driver;
    static constexpr void fields(auto&& field) {
        field("schema", &Marker::schema, required);
        field("driver", &Marker::driver);
    }
};

std::string absolute(const std::string& path) {
    if (path.empty()) throw UsageError("the path of a root folder is empty");
    if (path.front() == '/') return path;
    const std::unique_ptr<char, decltype(&std::free)> here(::getcwd(nullptr, 0), &std::free);
    if (!here) throw SysError("finding the working folder");
    return std::string(here.get()) + "/" + path;
}

std::string checked_driver(const std::string& driver) {
    if (driver == "overlay2") return "overlay";
    if (driver.empty() || driver == "overlay" || driver == "vfs") return driver;
    throw UsageError("unknown storage driver '{}': it is 'overlay' or 'vfs'", driver);
}

/// What the marker says; nothing when there is none or it is still empty.
std::optional<Marker> read_marker(const Dir& root) {
    const auto text = read_file_if_exists(root, marker_name, 4096);
    if (!text || text->empty()) return std::nullopt;
    const std::string where = root.path_of(marker_name);
    auto marker = from_value<Marker>(json::parse(*text, where), where);
    if (marker.schema > newest_schema)
        throw Error("opening '{}': it was written by a newer kist (schema {}, this one knows {})", root.path(),
                    marker.schema, newest_schema);
    return marker;
}

void refuse_if_foreign(const Dir& root) {
    if (root.exists(marker_name)) return;
    for (const std::string& name : root.names())
        if (name != "lost+found")
            throw Error("opening '{}': the folder is not empty and is not kist's (it holds '{}' and no '{}')",
                        root.path(), name, marker_name)
                .with_hint("name an empty or missing folder, or one that kist made");
}

void take_over(const Dir& root) {
    if (::fchown(root.fd().get(), 0, 0) != 0) throw SysError("taking over '{}'", root.path());
    if (::fchmod(root.fd().get(), 0700) != 0) throw SysError("setting the mode of '{}'", root.path());
    if (!root.open_file(marker_name, O_WRONLY | O_CREAT)) throw SysError("marking '{}'", root.path());
}

/// Makes an empty folder ours. Of several commands that want to, one does it and the others find it done.
Marker initialise(const Dir& root, const Marker& wanted, std::initializer_list<const char*> folders,
                  Durability durability) {
    if (::flock(root.fd().get(), LOCK_EX) != 0) throw SysError("locking '{}'", root.path());
    auto marker = read_marker(root);
    if (!marker) {
        refuse_if_foreign(root);
        take_over(root);
        for (const char* path : folders) {
            const std::string text = path;
            const auto slash = text.find('/');
            const Dir folder = root.create_dir(text.substr(0, slash));
            if (slash != std::string::npos) folder.make_dir(text.substr(slash + 1));
        }
        write_atomically(root, marker_name, json::dump(to_value(wanted)) + "\n", durability);
        marker = wanted;
    }
    ::flock(root.fd().get(), LOCK_UN);
    return *marker;
}

} // namespace

namespace {

/// move_mount and mount_setattr (SEEDS A226 has 4.0 for its overlay2; ours is mounted by descriptor).
void check_kernel() {
    utsname name{};
    unsigned major = 0, minor = 0;
    if (::uname(&name) != 0 || std::sscanf(name.release, "%u.%u", &major, &minor) != 2) return;
    if (major > 5 || (major == 5 && minor >= 12)) return;
    Error error("the storage driver overlay needs Linux 5.12 or newer, this is {}", name.release);
    error.with_hint("overlay2.override_kernel_check=true in storage-opts of kist.json tries it all the same");
    throw error;
}

/// Whiteouts are told from files by the type in a folder's entries (xfs made with ftype=0 has none).
void check_entry_types(const Dir& root) {
    const Fd folder{::openat(root.fd().get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    DIR* stream = folder ? ::fdopendir(folder.duplicate().release()) : nullptr;
    if (stream == nullptr) throw SysError("reading '{}'", root.path());
    bool unknown = false;
    while (const dirent* entry = ::readdir(stream)) unknown = unknown || entry->d_type == DT_UNKNOWN;
    ::closedir(stream);
    if (!unknown) return;
    Error error("the file system of '{}' does not tell files from folders in its entries (d_type): overlay cannot work",
                root.path());
    error.with_hint("make it with ftype=1 (xfs), use --storage-driver vfs, or another --root");
    throw error;
}

} // namespace

Store Store::open(const StorePaths& paths, const std::string& driver, HostCheck check) {
    const std::string wanted = checked_driver(driver);
    Store store;
    store.paths_ = {absolute(paths.data_root), absolute(paths.run_root)};
    store.data_ = Dir::create(store.paths_.data_root, 0700);
    auto marker = read_marker(store.data_);
    const bool is_new = !marker;
    if (is_new && wanted != "vfs" && check == HostCheck::yes) check_kernel();
    if (!marker)
        marker =
            initialise(store.data_, {newest_schema, wanted.empty() ? "overlay" : wanted},
                       {"content/sha256", "layers", "images/names", "containers/names", "tmp"}, Durability::durable);
    if (!wanted.empty() && marker->driver != wanted)
        throw Error("opening '{}': it was made with storage driver '{}', not '{}'", store.paths_.data_root,
                    marker->driver, wanted)
            .with_hint("images and containers do not move between drivers: use another --root");
    store.driver_ = marker->driver;
    if (is_new && store.driver_ == "overlay" && check == HostCheck::yes) check_entry_types(store.data_);
    store.run_ = Dir::create(store.paths_.run_root, 0700);
    if (!store.run_.exists(marker_name))
        initialise(store.run_, {newest_schema, ""}, {"containers", "locks"}, Durability::volatile_);
    return store;
}

} // namespace kist::storage
