// SPDX-License-Identifier: Apache-2.0
// https://pkg.go.dev/golang.org/x/net/http/httpproxy
#include "registry/proxy.hh"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <arpa/inet.h>

#include "base/text.hh"

namespace kist::registry {
namespace {

std::string first_of(std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (const char* value = ::getenv(name); value != nullptr && *value != '\0') return value;
    return "";
}

using Address = std::array<unsigned char, 16>; ///< an IPv4 one as ::ffff:a.b.c.d

std::optional<Address> parse_address(std::string text) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    Address address{};
    in_addr v4;
    if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
        address[10] = address[11] = 0xff;
        std::memcpy(address.data() + 12, &v4, sizeof v4);
        return address;
    }
    if (::inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
    return std::nullopt;
}

bool is_loopback(const std::string& host) {
    if (host == "localhost" || host.ends_with(".localhost")) return true;
    const auto address = parse_address(host);
    if (!address) return false;
    static constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(mapped.begin(), mapped.end(), address->begin())) return (*address)[12] == 127;
    return std::all_of(address->begin(), address->end() - 1, [](auto byte) { return byte == 0; }) &&
           address->back() == 1;
}

bool in_network(const Address& address, const std::string& network, const std::string& length) {
    const auto base = parse_address(network);
    const bool v4 = network.find(':') == std::string::npos;
    const auto bits = parse_unsigned(length, v4 ? 32 : 128);
    if (!base || !bits) return false;
    std::size_t left = static_cast<std::size_t>(*bits) + (v4 ? 96 : 0);
    for (std::size_t i = 0; i < address.size() && left > 0; ++i) {
        const std::size_t here = std::min<std::size_t>(8, left);
        const auto mask = static_cast<unsigned char>(0xff << (8 - here));
        if ((address[i] & mask) != ((*base)[i] & mask)) return false;
        left -= here;
    }
    return true;
}

/// "example.org" is the host and all below it, ".example.org" and "*.example.org" only what is below it.
bool is_domain(const std::string& host, std::string entry) {
    if (entry.starts_with("*.")) entry.erase(0, 1);
    if (entry.starts_with('.')) return host.ends_with(entry) && host.size() > entry.size();
    return host == entry || host.ends_with("." + entry);
}

bool is_excepted(const Url& url, const std::string& entry) {
    if (entry == "*") return true;
    const auto address = parse_address(url.host);
    if (const auto [network, length] = split_once(entry, '/'); length)
        return address && in_network(*address, network, *length);
    if (const auto whole = parse_address(entry)) return address == whole;
    const auto colon = entry.rfind(':');
    const std::string host = entry.substr(0, colon);
    if (colon != std::string::npos && entry.substr(colon + 1) != url.port) return false;
    if (const auto whole = parse_address(host)) return address == whole;
    return !address && !host.empty() && is_domain(url.host, host);
}

} // namespace

std::vector<std::string> proxy_variables() {
    return {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"};
}

Proxies Proxies::from_environment() {
    Proxies found;
    const std::string all = first_of({"ALL_PROXY", "all_proxy"});
    found.http = first_of({"HTTP_PROXY", "http_proxy"});
    found.https = first_of({"HTTPS_PROXY", "https_proxy"});
    if (found.http.empty()) found.http = all;
    if (found.https.empty()) found.https = all;
    for (const std::string& entry : split(first_of({"NO_PROXY", "no_proxy"}), ','))
        if (const auto text = trim(entry); !text.empty()) found.excepted.push_back(to_lower(text));
    return found;
}

std::string Proxies::find(const Url& url) const {
    const std::string& proxy = url.scheme == "https" ? https : http;
    if (proxy.empty() || is_loopback(url.host)) return "";
    for (const std::string& entry : excepted)
        if (is_excepted(url, entry)) return "";
    return proxy;
}

} // namespace kist::registry
