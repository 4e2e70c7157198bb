// SPDX-License-Identifier: Apache-2.0
// Which requests go through a proxy.
#include "registry/proxy.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist::registry;

namespace {

bool is_proxied(std::vector<std::string> excepted, const char* address) {
    const Proxies proxies{"http://proxy:1", "http://proxy:2", std::move(excepted)};
    return !proxies.find(*parse_url(address)).empty();
}

} // namespace

TEST_CASE("each scheme has its proxy, and this machine none") {
    const Proxies proxies{"http://proxy:1", "http://proxy:2", {}};
    CHECK(proxies.find(*parse_url("http://registry.example/")) == "http://proxy:1");
    CHECK(proxies.find(*parse_url("https://registry.example/")) == "http://proxy:2");
    for (const char* own :
         {"http://localhost:5000/", "https://127.0.0.1/", "https://127.9.9.9:1/", "https://[::1]:5000/"})
        CHECK(proxies.find(*parse_url(own)).empty());
    CHECK(Proxies{}.find(*parse_url("https://registry.example/")).empty());
}

TEST_CASE("NO_PROXY takes hosts and what is below them") {
    CHECK_FALSE(is_proxied({"example.org"}, "https://example.org/"));
    CHECK_FALSE(is_proxied({"example.org"}, "https://a.b.example.org/"));
    CHECK(is_proxied({"example.org"}, "https://badexample.org/"));
    CHECK(is_proxied({".example.org"}, "https://example.org/"));
    CHECK_FALSE(is_proxied({".example.org"}, "https://a.example.org/"));
    CHECK_FALSE(is_proxied({"*.example.org"}, "https://a.example.org/"));
    CHECK_FALSE(is_proxied({"a.example", "*"}, "https://elsewhere.example/"));
}

TEST_CASE("NO_PROXY takes ports, addresses and networks") {
    CHECK_FALSE(is_proxied({"example.org:5000"}, "https://example.org:5000/"));
    CHECK(is_proxied({"example.org:5000"}, "https://example.org/"));
    CHECK_FALSE(is_proxied({"10.1.2.3"}, "https://10.1.2.3:5000/"));
    CHECK_FALSE(is_proxied({"10.1.2.3:5000"}, "https://10.1.2.3:5000/"));
    CHECK(is_proxied({"10.1.2.3:5001"}, "https://10.1.2.3:5000/"));
    CHECK_FALSE(is_proxied({"10.0.0.0/8"}, "https://10.200.0.1/"));
    CHECK_FALSE(is_proxied({"10.128.0.0/9"}, "https://10.200.0.1/"));
    CHECK(is_proxied({"10.0.0.0/9"}, "https://10.200.0.1/"));
    CHECK(is_proxied({"10.0.0.0/8"}, "https://ten.example/"));
    CHECK_FALSE(is_proxied({"fd00::/8"}, "https://[fd12::1]:5000/"));
    CHECK(is_proxied({"fd00::/8"}, "https://10.0.0.1/"));
    CHECK(is_proxied({"10.0.0.0/33", "10.0.0.0/x", "/8", ":", ""}, "https://10.0.0.1/"));
}
