// SPDX-License-Identifier: Apache-2.0
#include "monitor/file_follower.hh"

#include <climits>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::monitor {

namespace {

/// A folder that the container itself may write to could otherwise keep the monitor busy.
constexpr std::chrono::milliseconds rest_after_change(50);

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

/// Where the links of `path` end; empty when that is nowhere.
std::string resolve(const std::string& path) {
    const Fd file{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (!file) return "";
    char text[PATH_MAX];
    const ssize_t length = ::readlink(fmt::format("/proc/self/fd/{}", file.get()).c_str(), text, sizeof text);
    return length > 0 && text[0] == '/' ? std::string(text, static_cast<std::size_t>(length)) : "";
}

} // namespace

FileFollower::FileFollower(EventLoop& loop, std::vector<oci::MountStep> files, const Fd& init, pid_t pid, Report report)
    : loop_(loop),
      init_(init.duplicate()),
      pid_(pid),
      report_(std::move(report)),
      notices_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (!notices_) throw SysError("watching files for 'follow'");
    for (oci::MountStep& step : files) {
        watch(step.source);
        if (const std::string end = resolve(step.source); !end.empty() && end != step.source) watch(end);
        files_.push_back({std::move(step), 0, 0});
    }
    look();
    loop_.watch(notices_.get(), EPOLLIN, [this](std::uint32_t) { on_change(); });
}

FileFollower::~FileFollower() {
    if (rest_) loop_.cancel(*rest_);
    loop_.unwatch(notices_.get());
}

void FileFollower::watch(const std::string& path) {
    const std::string folder = folder_of(path);
    if (::inotify_add_watch(notices_.get(), folder.c_str(), IN_MOVED_TO | IN_CREATE | IN_ONLYDIR) < 0)
        throw SysError("watching folder '{}' for 'follow'", folder);
}

/// What the notices say does not matter: the files are looked at.
void FileFollower::on_change() {
    alignas(inotify_event) char notices[4096];
    while (::read(notices_.get(), notices, sizeof notices) > 0) continue;
    look();
    loop_.rearm(notices_.get(), 0);
    rest_ = loop_.after(rest_after_change, [this] {
        rest_.reset();
        loop_.rearm(notices_.get(), EPOLLIN);
    });
}

void FileFollower::look() {
    for (File& file : files_) look_at(file);
}

void FileFollower::look_at(File& file) {
    struct stat now {};
    // Between the removal of the old one and the arrival of the new one there is none: the container keeps what it has.
    if (::stat(file.step.source.c_str(), &now) != 0 || (now.st_dev == file.device && now.st_ino == file.inode)) return;
    try {
        // The path may show yet another file by now: what counts is what the container got.
        const oci::Renewal renewal = oci::renew_bind(file.step, init_, pid_);
        file.device = renewal.device;
        file.inode = renewal.inode;
        if (renewal.was_other) report_(file.step.target, "");
    } catch (const Error& error) { // told once for each file
        file.device = now.st_dev;
        file.inode = now.st_ino;
        report_(file.step.target, error.message());
    }
}

} // namespace kist::monitor
