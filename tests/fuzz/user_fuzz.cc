// SPDX-License-Identifier: Apache-2.0
// passwd and group files of an image, which are its maker's: the first line of the input is -u, the rest is in both files.
#include <cstdint>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hh"
#include "base/file.hh"
#include "oci/run/user_lookup.hh"

using namespace kist;

namespace {

struct Root {
    Root() {
        char name[] = "/dev/shm/kist-fuzz.XXXXXX";
        if (::mkdtemp(name) == nullptr) std::abort();
        path = name;
        ::mkdir((path + "/etc").c_str(), 0755);
    }
    ~Root() {
        for (const char* file : {"/etc/passwd", "/etc/group", "/etc", ""}) ::remove((path + file).c_str());
    }
    void write(const char* file, const std::string& text) const {
        const Fd fd{::open((path + file).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
        write_full(fd, {text.data(), text.size()}, file);
    }
    std::string path;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Root root;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::size_t end = text.find('\n');
    const std::string user = text.substr(0, end);
    const std::string files = end == text.npos ? "" : text.substr(end + 1);
    root.write("/etc/passwd", files);
    root.write("/etc/group", files);
    const Fd folder{::open(root.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    try {
        const auto found = oci::resolve_user(folder, user, {});
        // A number is that number, whatever the files say (P14).
        const bool digits = !user.empty() && user.find_first_not_of("0123456789") == user.npos;
        if (digits && found.uid != std::stoul(user)) std::abort();
    } catch (const Error&) {
    }
    return 0;
}
