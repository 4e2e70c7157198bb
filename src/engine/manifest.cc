// SPDX-License-Identifier: Apache-2.0
// Manifests as they are, for people and scripts.
#include "engine/manifest.hh"

#include "base/error.hh"
#include "base/sha256.hh"
#include "registry/fetcher.hh"
#include "storage/programs.hh"

namespace kist::engine {

std::string fetch_manifest(Engine& engine, const storage::Reference& name, const RegistryOptions& options) {
    try {
        registry::Fetcher fetcher(storage::program_path("kist-fetch"), make_setup(engine.config(), name, options));
        registry::Ask ask;
        ask.kind = "manifest";
        ask.reference = name.digest.empty() ? name.tag : name.digest.str();
        std::string text = fetcher.bytes(ask, static_cast<std::size_t>(registry::manifest_limit));
        if (!name.digest.empty() && sha256(text) != name.digest)
            throw Error("the registry's manifest has the digest {}", sha256(text).str());
        return text;
    } catch (Error& error) {
        error.while_doing("reading the manifest of '{}'", name.familiar());
        throw;
    }
}

} // namespace kist::engine
