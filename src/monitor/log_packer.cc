// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_packer.hh"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::monitor {

LogPacker::LogPacker(EventLoop& loop, std::string path, int max_files)
    : loop_(loop), path_(std::move(path)), max_files_(static_cast<std::size_t>(std::max(max_files, 1))) {}

LogPacker::~LogPacker() {
    if (!work_) return;
    loop_.unwatch(work_->packing.child().pidfd().get());
    ::unlink(temporary().c_str());
}

void LogPacker::start() noexcept {
    if (work_) return;
    try {
        for (std::size_t n = 1; n < max_files_; ++n)
            if (start_on(n)) return;
    } catch (const Error&) { // no memory, no room: it stays plain until the next rotation
        ::unlink(temporary().c_str());
    }
}

bool LogPacker::start_on(std::size_t number) {
    Fd plain{::open(piece_path(path_, number).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!plain) return false;
    const LogFileId id = identify(plain);
    if (id.born_ns == 0) return false;
    // A new file: the compressor of a monitor that was killed may still be writing to one of that name.
    ::unlink(temporary().c_str());
    const Fd packed{::open(temporary().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640)};
    if (!packed) throw SysError("making '{}'", temporary());
    write_full(packed, packed_head(id), temporary());
    const Dir folder = Dir::open(path_.substr(0, path_.rfind('/')));
    storage::Packing packing = storage::start_packing(plain, packed, folder);
    work_.emplace(Work{std::move(plain), id, std::move(packing)});
    const Child& child = work_->packing.child();
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(child.pid()), 19); // best effort
    loop_.watch(child.pidfd().get(), EPOLLIN, [this](std::uint32_t) { on_end(); });
    return true;
}

void LogPacker::on_end() {
    loop_.unwatch(work_->packing.child().pidfd().get());
    bool done = false;
    try {
        work_->packing.wait();
        install();
        done = true;
    } catch (const Error&) {
        ::unlink(temporary().c_str());
    }
    work_.reset();
    if (done) start();
}

/// Under the number that the file has by now; nowhere, when it has been rotated away.
void LogPacker::install() const {
    struct stat status {};
    if (::fstat(work_->plain.get(), &status) != 0) throw SysError("reading the times of a log file");
    const timespec times[2] = {status.st_atim, status.st_mtim}; // max-age goes by the last record
    if (::utimensat(AT_FDCWD, temporary().c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
        throw SysError("setting the times of '{}'", temporary());
    for (std::size_t n = 1; n < max_files_; ++n) {
        const Fd file{::open(piece_path(path_, n).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
        if (!file || identify(file) != work_->id) continue;
        if (::rename(temporary().c_str(), packed_path(path_, n).c_str()) != 0)
            throw SysError("renaming '{}'", temporary());
        ::unlink(piece_path(path_, n).c_str());
        return;
    }
    ::unlink(temporary().c_str());
}

} // namespace kist::monitor
