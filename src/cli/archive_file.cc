// SPDX-License-Identifier: Apache-2.0
// Opening what import and load read, and what save writes.
#include "cli/archive_file.hh"

#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/ids.hh"
#include "base/text.hh"

namespace kist::cli {
namespace {

bool is_standard(const std::string& file) { return file.empty() || file == "-"; }

Fd standard(int fd, std::string_view use) {
    if (::isatty(fd) != 0) throw UsageError("refusing to {} a terminal: redirect it or name a file", use);
    Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!copy) throw SysError("opening standard {}", fd == STDIN_FILENO ? "input" : "output");
    return copy;
}

/// Removes the unfinished file unless it got its name.
class Unfinished {
public:
    explicit Unfinished(const std::string& file) : final_(file), path_(file + "." + random_hex(4) + ".partial") {}
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    ~Unfinished() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }
    const std::string& path() const { return path_; }
    void finish() {
        if (::rename(path_.c_str(), final_.c_str()) != 0) throw SysError("naming archive '{}'", final_);
        path_.clear();
    }

private:
    std::string final_;
    std::string path_;
};

} // namespace

Fd open_archive(const std::string& file) {
    if (is_standard(file)) return standard(STDIN_FILENO, "read an archive from");
    for (std::string_view scheme : {"http://", "https://"})
        if (starts_with_no_case(file, scheme))
            throw UsageError("cannot read '{}': kist does not download archives", printable(file))
                .with_hint("Download it first, or pipe it in: curl -L URL | kist import - NAME");
    Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) throw SysError("opening archive '{}'", file);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) throw SysError("reading archive '{}'", file);
    if (S_ISDIR(status.st_mode)) throw SysError(SysError::Code{EISDIR}, "opening archive '{}'", file);
    return fd;
}

void write_archive(const std::string& file, const std::function<void(const Fd&)>& write) {
    if (is_standard(file)) return write(standard(STDOUT_FILENO, "write an archive to"));
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
        if (!fd) throw SysError("opening '{}'", file);
        return write(fd);
    }
    Unfinished unfinished(file);
    const Fd fd(::open(unfinished.path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) throw SysError("creating archive '{}'", file);
    write(fd);
    if (::fsync(fd.get()) != 0) throw SysError("writing archive '{}'", file);
    unfinished.finish();
}

void write_folder(const std::string& folder, const std::function<void(const Dir&)>& write) {
    std::string path = folder;
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const auto slash = path.rfind('/');
    const Dir parent = Dir::open(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
    const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
    const std::string unfinished = name + "." + random_hex(4) + ".partial";
    const Dir made = parent.create_dir(unfinished, 0755);
    try {
        write(made);
        // Replaces an empty folder only.
        if (::renameat(parent.fd().get(), unfinished.c_str(), parent.fd().get(), name.c_str()) != 0)
            throw SysError("naming folder '{}'", folder);
        parent.sync();
    } catch (...) {
        parent.remove_tree(unfinished);
        throw;
    }
}

} // namespace kist::cli
