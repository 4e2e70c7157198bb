// SPDX-License-Identifier: Apache-2.0
// cp. From one end to the other by descriptor, without an archive in between; archives of others are read by kist-unpack alone.
#include "engine/copy.hh"

#include <csignal>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/in_root.hh"
#include "base/text.hh"
#include "engine/container_root.hh"
#include "engine/copy_place.hh"
#include "engine/tell.hh"
#include "oci/run/user_lookup.hh"
#include "storage/copy_files.hh"
#include "storage/tree_tar.hh"
#include "storage/unpack_client.hh"

namespace kist::engine {

namespace {

using Access = ContainerRoot::Access;

/// One end that is opened: of a container its files, of the host nothing.
class Opened {
public:
    Opened(Engine& engine, const CopyEnd& end, Access access) {
        if (end.container.empty()) return;
        root_.emplace(engine, engine.containers().find(end.container), ContainerRoot::Show::all_mounts, access);
        side_ = CopySide(root_->fd(), root_->config().name);
    }
    const CopySide& side() const { return side_; }
    const std::optional<ContainerRoot>& root() const { return root_; }

private:
    std::optional<ContainerRoot> root_;
    CopySide side_;
};

/// Names are looked up inside the container, in its own files, by our own reader.
std::optional<storage::FileOwner> owner_for(Engine& engine, const Opened& to, const CopyOptions& options) {
    if (to.side().is_host()) {
        if (!options.chown.empty()) throw UsageError("--chown is for copies into a container");
        if (options.archive) return std::nullopt;
        return storage::FileOwner{::geteuid(), ::getegid()};
    }
    const std::string& rule = engine.config().cp_owner;
    if (options.chown.empty() && (options.archive || rule == "source")) return std::nullopt;
    if (options.chown.empty() && rule == "root") return storage::FileOwner{0, 0};
    const std::string& user = options.chown.empty() ? to.root()->config().user : options.chown;
    const oci::ResolvedUser found = oci::resolve_user(to.root()->fd(), user, {});
    return storage::FileOwner{found.uid, found.gid};
}

storage::CopyRules rules_for(Engine& engine, const Opened& to, const CopyOptions& options) {
    return {.owner = owner_for(engine, to, options),
            .keep_privileges = options.archive,
            .overwrite = options.overwrite,
            .warn = options.warn};
}

void check_writable(const Opened& to) {
    if (to.root() && to.root()->config().read_only && !to.root()->is_running())
        throw Error("the root file system of container '{}' is read-only", to.root()->config().name);
}

void copy_files(Engine& engine, const CopyEnd& from, const CopyEnd& to, const CopyOptions& options) {
    const Opened source_end(engine, from, Access::read);
    const Opened target_end(engine, to, Access::write);
    check_writable(target_end);
    const CopySource source =
        find_source(source_end.side(), from.path, options.follow_link ? Links::follow : Links::keep);
    CopyTarget target = find_target(target_end.side(), to.path, source);
    for (const Opened* end : {&source_end, &target_end})
        if (end->root()) tell(engine, end->root()->config(), "copy");
    storage::FileCopy copy(rules_for(engine, target_end, options));
    if (!source.path.is_contents) {
        // "cp web:/ dir" and the like: there is no name to give.
        return copy.item(source.item, target.folder, target.name.empty() ? source.path.name : target.name,
                         source.shown);
    }
    if (!target.name.empty()) return copy.item(source.item, target.folder, target.name, source.shown);
    copy.contents(Dir(storage::reopen(source.item, O_RDONLY | O_DIRECTORY, source.shown), source.shown), target.folder);
}

/// The names in the archive begin with the last part of the path, or with "./" for the contents of a folder.
void write_tar(Engine& engine, const CopyEnd& from, const CopyOptions& options) {
    if (::isatty(STDOUT_FILENO) != 0) throw UsageError("refusing to write an archive to a terminal: redirect it");
    const Opened end(engine, from, Access::read);
    const CopySource source = find_source(end.side(), from.path, options.follow_link ? Links::follow : Links::keep);
    const Fd out{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
    if (!out) throw SysError("opening standard output");
    tell(engine, end.root()->config(), "copy");
    storage::TreeTar tar(out, options.warn);
    tar.add(source.item, source.path.is_contents ? "." : source.path.name);
    tar.finish();
}

void read_tar(Engine& engine, const CopyEnd& to, const CopyOptions& options) {
    if (::isatty(STDIN_FILENO) != 0) throw UsageError("refusing to read an archive from a terminal: redirect it");
    const Opened end(engine, to, Access::write);
    check_writable(end);
    const Dir folder = find_folder(end.side(), to.path);
    const Fd in{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)};
    if (!in) throw SysError("opening standard input");
    tell(engine, end.root()->config(), "copy");
    storage::ExtractRequest request;
    request.owner = owner_for(engine, end, options);
    request.keep_privileges = options.archive;
    request.overwrite = options.overwrite;
    const std::string path = clean_path("/" + to.path);
    request.path = path.substr(1);
    storage::extract_archive(in, Dir(end.root()->fd().duplicate(), folder.path()), request);
}

} // namespace

CopyEnd parse_copy_end(const std::string& text) {
    if (text.empty()) throw UsageError("a path to copy must not be empty");
    const auto colon = text.find(':');
    const bool is_host = text.starts_with('.') || colon == std::string::npos || text.find('/') < colon;
    if (is_host) return {"", text};
    if (colon == 0)
        throw UsageError("invalid '{}': the name of the container is missing before the colon", printable(text));
    CopyEnd end{text.substr(0, colon), text.substr(colon + 1)};
    if (end.path.empty())
        throw UsageError("invalid '{}': a path in the container is missing behind the colon", printable(text));
    // From the root, with or without a slash, as Docker and Podman have it.
    if (!end.path.starts_with('/')) end.path.insert(0, "/");
    return end;
}

void copy(Engine& engine, const CopyEnd& from, const CopyEnd& to, const CopyOptions& options) {
    if (from.container.empty() && to.container.empty())
        throw UsageError("neither '{}' nor '{}' is in a container", printable(from.path), printable(to.path))
            .with_hint("write CONTAINER:PATH for one of them");
    try {
        if (from.is_stream()) return read_tar(engine, to, options);
        if (to.is_stream()) return write_tar(engine, from, options);
        copy_files(engine, from, to, options);
    } catch (const NotFound&) {
        throw;
    } catch (const UsageError&) {
        throw;
    } catch (Error& error) {
        error.while_doing("copying");
        throw;
    }
}

} // namespace kist::engine
