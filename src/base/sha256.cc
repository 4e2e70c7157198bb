// SPDX-License-Identifier: Apache-2.0
// libcrypto's SHA-256 by its low-level calls: the EVP interface would load providers and configuration at start-up.
#include "base/sha256.hh"

#include <array>

#include <openssl/sha.h>

namespace kist {

// Deprecated since OpenSSL 3.0 in favour of EVP, but not going away within its major version.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

struct Sha256::State {
    SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { SHA256_Init(&state_->context); }
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) { SHA256_Update(&state_->context, bytes.data(), bytes.size()); }

Digest Sha256::finish() {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> sum{};
    SHA256_Final(sum.data(), &state_->context);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * sum.size());
    for (const unsigned char byte : sum) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return Digest::from_hex(hex).value();
}

#pragma GCC diagnostic pop

Digest sha256(std::string_view bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

} // namespace kist
