// SPDX-License-Identifier: Apache-2.0
// Copies files and folders from one tree to another, by descriptors and single names. Either side may be a container that
// changes its tree meanwhile: nothing is followed, nothing is opened by a path, and what is opened is looked at again, so the
// worst that a race can do is to copy another file of the same tree (SECURITY P1, F35).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <sys/stat.h>

#include "base/fd.hh"
#include "base/file.hh"
#include "storage/unpack_protocol.hh"

namespace kist::storage {

struct CopyRules {
    /// Of everything that is made; nothing: each keeps its own.
    std::optional<FileOwner> owner;
    /// Setuid and setgid bits, capabilities, ACLs and device nodes are copied: what could give power to whoever meets the
    /// copy. Without it they are left out, devices with a warning.
    bool keep_privileges = false;
    /// A folder may take the place of another kind of file, and the other way round.
    bool overwrite = false;
    std::function<void(const std::string&)> warn = {};
};

class FileCopy {
public:
    explicit FileCopy(CopyRules rules) : rules_(std::move(rules)) {}

    /// What `source` is open on (O_PATH does) becomes `name` in `to`. A file replaces what was there in one step; a folder is
    /// merged into one that is there, which keeps its owner and mode. `shown`: how messages call it.
    void item(const Fd& source, const Dir& to, const std::string& name, const std::string& shown);
    /// Everything in the folder `source` into `to`.
    void contents(const Dir& source, const Dir& to);

private:
    using FileId = std::pair<dev_t, ino_t>;
    struct Copied { ///< the first copy of a file that has several names
        Fd file;
    };
    void child(const Dir& source, const std::string& name, const Dir& to);
    void folder(const Dir& source, const struct stat&, const Dir& to, const std::string& name);
    void file(const Fd& source, const struct stat&, const Dir& to, const std::string& name, const std::string& shown);
    void link(const Fd& source, const struct stat&, const Dir& to, const std::string& name, const std::string& shown);
    void node(const struct stat&, const Dir& to, const std::string& name, const std::string& shown);
    bool link_to_first(const struct stat&, const Dir& to, const std::string& name);
    template <typename Make>
    void place(const Dir& to, const std::string& name, const std::string& shown, Make make);
    void write_in_place(const Fd& source, const Dir& to, const std::string& name, const std::string& shown);
    void set_owner_and_mode(const Fd&, const struct stat&, const std::string& shown) const;
    void warn(const std::string& text) const;

    CopyRules rules_;
    std::map<FileId, Copied> first_copies_;
    std::optional<FileId> own_folder_; ///< the first folder we made: copied into itself, a folder would never end
};

/// A second descriptor for what an O_PATH one is open on. The caller has seen that it is a file or folder: opening a device
/// can have effects.
Fd reopen(const Fd& fd, int flags, const std::string& shown);
/// The text of the link that an O_PATH | O_NOFOLLOW descriptor is open on.
std::string link_text(const Fd& link, const std::string& shown);
/// From where `from` stands to its end; holes stay holes where the target can have them.
void copy_data(const Fd& from, const Fd& to, const std::string& shown);

} // namespace kist::storage
