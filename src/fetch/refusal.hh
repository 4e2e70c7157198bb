// SPDX-License-Identifier: Apache-2.0
// What a registry's answer means for the user, in one line.
#pragma once

#include "base/error.hh"
#include "fetch/http.hh"
#include "registry/fetch_protocol.hh"

namespace kist::fetch {

class Refused : public Error {
public:
    enum class Kind { other, denied, missing };
    Refused(Kind why, std::string text) : Error("{}", text), kind(why) {}
    const Kind kind;
};

/// An upload broke off and is worth going on with.
class Interrupted : public Error {
public:
    Interrupted(std::string where, std::string why) : Error("{}", why), location(std::move(where)) {}
    const std::string location;
};

/// For any answer but the one that was hoped for. `what`: "manifests/latest".
[[noreturn]] void refuse(const Response&, const std::string& what, const registry::Setup&);

} // namespace kist::fetch
