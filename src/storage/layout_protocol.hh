// SPDX-License-Identifier: Apache-2.0
// mode layout of kist-unpack: what images a folder holds. It gets the folder as descriptor 3, may only read it, and answers with
// an IndexReply, in which each layer has its digest and no offset. Descriptors as in unpack_protocol.hh, 0 and 1 /dev/null.
#pragma once

#include <string>

#include "storage/unpack_protocol.hh"

namespace kist::storage {

struct LayoutRequest {
    bool plain = false; ///< blobs lie side by side, as "dir:" of skopeo has them; else it is an OCI image layout
    std::string name;   ///< only what the layout's index calls so; empty: all
    std::string os, architecture, variant;
    static constexpr void fields(auto&& field) {
        using R = LayoutRequest;
        field("plain", &R::plain);
        field("name", &R::name);
        field("os", &R::os);
        field("architecture", &R::architecture);
        field("variant", &R::variant);
    }
};
/// The file of a blob in such a folder, by its digest.
inline std::string layout_blob(bool plain, const std::string& hex) { return plain ? hex : "blobs/sha256/" + hex; }

} // namespace kist::storage
