// SPDX-License-Identifier: Apache-2.0
// ~/.kist/config.json: credentials sealed with the key in ~/.kist/aeskey, both 0600 (SEEDS A128 to A130).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.hh"
#include "base/value.hh"
#include "registry/credential.hh"

namespace kist::registry {

/// An entry is there, but no key opens it.
class SealedEntry : public Error {
public:
    using Error::Error;
};

class CredentialStore {
public:
    /// `folder`: ~/.kist; need not exist.
    explicit CredentialStore(std::string folder) : folder_(std::move(folder)) {}
    std::string file() const { return folder_ + "/config.json"; }

    /// The whole document; an empty object when there is none.
    Value read() const;
    /// Throws SealedEntry.
    std::optional<Credential> find(const std::string& host, const std::string& repository) const;
    void put(const std::string& key, const Credential&);
    /// False when there was none.
    bool erase(const std::string& key);
    std::vector<std::string> keys() const;
    /// All entries under a new key; one that cannot be opened stays as it is. A crash at any point leaves all readable.
    void rotate();

private:
    /// Newest first: more than one only while a rotation is under way. Throws Error for a file that others may read.
    std::vector<std::string> secret_keys(const Dir&) const;
    std::string key_for_writing(const Dir&) const;
    void write(const Dir&, const Value&) const;
    std::string folder_;
};

} // namespace kist::registry
