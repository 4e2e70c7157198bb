// SPDX-License-Identifier: Apache-2.0
// Reading, changing and re-keying kist's own credential file.
#include "registry/credential_store.hh"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/fields.hh"
#include "base/json.hh"
#include "base/lock.hh"
#include "base/text.hh"
#include "registry/auth_document.hh"
#include "registry/base64.hh"
#include "registry/secret_box.hh"

namespace kist::registry {
namespace {

constexpr std::size_t store_file_limit = 4u << 20;
constexpr const char* document_name = "config.json";
constexpr const char* key_name = "aeskey";
constexpr const char* lock_name = "lock";
constexpr const char* sealed_member = "sealed";

/// What is sealed for one registry opens for no other.
std::string purpose(const std::string& key) { return "kist credential 1 for " + auth_key(key); }

Value& auths_of(Value& document) {
    const Value* auths = document.find("auths");
    if (auths == nullptr || !auths->is_object()) document.set("auths", Value::object());
    return *document.find("auths");
}

std::optional<Credential> open_entry(const std::string& key, const Value& entry, const std::vector<std::string>& keys) {
    const Value* sealed = entry.find(sealed_member);
    if (sealed == nullptr || !sealed->is_string()) return read_entry(entry);
    const auto bytes = base64_decode(sealed->as_string());
    for (const std::string& secret : keys) {
        const auto text = bytes ? unseal(secret, purpose(key), *bytes) : std::nullopt;
        if (text) return from_value<Credential>(json::parse(*text, "credential"), "credential");
    }
    throw SealedEntry("credentials for {} cannot be decrypted (aeskey missing or changed): run kist login {}",
                      auth_key(key), auth_key(key));
}

Value seal_entry(const std::string& key, const Credential& credential, const std::string& secret) {
    Value entry = Value::object();
    entry.set(sealed_member, base64_encode(seal(secret, purpose(key), json::dump(to_value(credential)))));
    return entry;
}

std::string key_lines(const std::vector<std::string>& keys) {
    std::string text;
    for (const std::string& key : keys) text += base64_encode(key) + "\n";
    return text;
}

} // namespace

Value CredentialStore::read() const {
    const auto text = read_file_if_exists(file(), store_file_limit);
    if (!text) return Value::object();
    Value document = json::parse(*text, file(), {.bytes = store_file_limit});
    if (!document.is_object()) throw Error("{}: expected an object", file());
    return document;
}

std::vector<std::string> CredentialStore::secret_keys(const Dir& folder) const {
    const auto fd = folder.open_file(key_name, O_RDONLY | O_NONBLOCK);
    if (!fd) return {};
    const std::string path = folder.path_of(key_name);
    struct stat st;
    if (::fstat(fd->get(), &st) != 0) throw SysError("reading '{}'", path);
    if (!S_ISREG(st.st_mode) || st.st_uid != ::geteuid() || (st.st_mode & 077) != 0)
        throw Error("'{}' is not a file that only its owner can read: refused", path)
            .with_hint("somebody else may know the key: remove the file and log in again");
    std::vector<std::string> keys;
    for (const std::string& line : split(read_all(*fd, 4096, path), '\n')) {
        const auto key = base64_decode(line);
        if (key && key->size() == secret_key_size) keys.push_back(*key);
    }
    return keys;
}

std::string CredentialStore::key_for_writing(const Dir& folder) const {
    const auto keys = secret_keys(folder);
    if (!keys.empty()) return keys.front();
    std::string key = random_bytes(secret_key_size);
    write_atomically(folder, key_name, key_lines({key}), Durability::durable);
    return key;
}

void CredentialStore::write(const Dir& folder, const Value& document) const {
    write_atomically(folder, document_name, json::dump_pretty(document) + "\n", Durability::durable);
}

std::optional<Credential> CredentialStore::find(const std::string& host, const std::string& repository) const {
    const Value document = read();
    for (const std::string& key : matching_keys(document, host, repository))
        if (const auto found = open_entry(key, *document.find("auths")->find(key), secret_keys(Dir::open(folder_))))
            return found;
    return std::nullopt;
}

void CredentialStore::put(const std::string& key, const Credential& credential) {
    const Dir folder = Dir::create(folder_, 0700);
    const FileLock lock = FileLock::acquire(folder, lock_name);
    Value document = read();
    auths_of(document).set(key, seal_entry(key, credential, key_for_writing(folder)));
    write(folder, document);
}

bool CredentialStore::erase(const std::string& key) {
    const auto folder = Dir::open_if_exists(folder_);
    if (!folder) return false;
    const FileLock lock = FileLock::acquire(*folder, lock_name);
    Value document = read();
    const std::size_t removed =
        std::erase_if(auths_of(document).as_object(), [&](const auto& m) { return auth_key(m.first) == key; });
    if (removed == 0) return false;
    write(*folder, document);
    return true;
}

std::vector<std::string> CredentialStore::keys() const {
    std::vector<std::string> keys;
    Value document = read();
    for (const auto& [key, entry] : auths_of(document).as_object()) keys.push_back(auth_key(key));
    return keys;
}

void CredentialStore::rotate() {
    const Dir folder = Dir::create(folder_, 0700);
    const FileLock lock = FileLock::acquire(folder, lock_name);
    std::vector<std::string> keys = secret_keys(folder);
    keys.insert(keys.begin(), random_bytes(secret_key_size));
    // Both keys, then the entries, then the new key alone.
    write_atomically(folder, key_name, key_lines(keys), Durability::durable);
    Value document = read();
    for (auto& [key, entry] : auths_of(document).as_object()) {
        try {
            if (const auto credential = open_entry(key, entry, keys))
                entry = seal_entry(key, *credential, keys.front());
        } catch (const SealedEntry&) { // its key is lost: the next use of it says so
        }
    }
    write(folder, document);
    write_atomically(folder, key_name, key_lines({keys.front()}), Durability::durable);
}

} // namespace kist::registry
