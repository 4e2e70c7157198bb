// SPDX-License-Identifier: Apache-2.0
// A user's secret for one registry. Never printed, logged, put into an argument list or an environment.
#pragma once

#include <string>

#include "base/fields.hh"

namespace kist::registry {

struct Credential {
    std::string user, password;
    std::string identity_token; ///< an OAuth2 refresh token, in place of a password
    bool empty() const { return user.empty() && password.empty() && identity_token.empty(); }
    bool operator==(const Credential&) const = default;
    static constexpr void fields(auto&& field) {
        field("user", &Credential::user);
        field("password", &Credential::password);
        field("identity_token", &Credential::identity_token);
    }
};

} // namespace kist::registry
