// SPDX-License-Identifier: Apache-2.0
// By libcrypto's low-level functions, as base/sha256.cc: the EVP interface would add megabytes to a static program and load
// providers and a configuration file at start-up.
#include "registry/secret_box.hh"

#include <memory>

#include <openssl/aes.h>
#include <openssl/crypto.h>
#include <openssl/modes.h>
#include <sys/random.h>

#include "base/error.hh"

namespace kist::registry {
namespace {

constexpr std::size_t nonce_size = 12, tag_size = 16;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// Deprecated since OpenSSL 3.0 in favour of EVP, but not going away within its major version.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

void encrypt_block(const unsigned char* in, unsigned char* out, const void* key) {
    ::AES_encrypt(in, out, static_cast<const AES_KEY*>(key));
}

/// The key schedule is wiped when this goes.
class Gcm {
public:
    Gcm(std::string_view key, std::string_view nonce, std::string_view purpose) {
        if (key.size() != secret_key_size || ::AES_set_encrypt_key(bytes_of(key), 256, &schedule_) != 0)
            throw Error("the key for credentials has not 32 bytes");
        context_.reset(::CRYPTO_gcm128_new(&schedule_, encrypt_block));
        if (!context_) throw Error("no memory for encryption");
        ::CRYPTO_gcm128_setiv(context_.get(), bytes_of(nonce), nonce.size());
        ::CRYPTO_gcm128_aad(context_.get(), bytes_of(purpose), purpose.size());
    }
    Gcm(const Gcm&) = delete;
    Gcm& operator=(const Gcm&) = delete;
    ~Gcm() { ::OPENSSL_cleanse(&schedule_, sizeof schedule_); }
    GCM128_CONTEXT* get() const { return context_.get(); }

private:
    AES_KEY schedule_{};
    std::unique_ptr<GCM128_CONTEXT, decltype(&::CRYPTO_gcm128_release)> context_{nullptr, &::CRYPTO_gcm128_release};
};

#pragma GCC diagnostic pop

} // namespace

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    if (::getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count)) throw SysError("asking for random bytes");
    return bytes;
}

std::string seal(std::string_view key, std::string_view purpose, std::string_view secret) {
    std::string sealed = random_bytes(nonce_size);
    const Gcm gcm(key, sealed, purpose);
    std::string text(secret.size() + tag_size, '\0');
    ::CRYPTO_gcm128_encrypt(gcm.get(), bytes_of(secret), bytes_of(text), secret.size());
    ::CRYPTO_gcm128_tag(gcm.get(), bytes_of(text) + secret.size(), tag_size);
    return sealed + text;
}

std::optional<std::string> unseal(std::string_view key, std::string_view purpose, std::string_view sealed) {
    if (sealed.size() < nonce_size + tag_size) return std::nullopt;
    const Gcm gcm(key, sealed.substr(0, nonce_size), purpose);
    const std::string_view text = sealed.substr(nonce_size, sealed.size() - nonce_size - tag_size);
    std::string secret(text.size(), '\0');
    ::CRYPTO_gcm128_decrypt(gcm.get(), bytes_of(text), bytes_of(secret), text.size());
    if (::CRYPTO_gcm128_finish(gcm.get(), bytes_of(sealed.substr(sealed.size() - tag_size)), tag_size) != 0)
        return std::nullopt;
    return secret;
}

} // namespace kist::registry
