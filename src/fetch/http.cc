// SPDX-License-Identifier: Apache-2.0
// The only user of libcurl.
#include "fetch/http.hh"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <exception>

#include <curl/curl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"
#include "fetch/address.hh"
#include "registry/fetch_protocol.hh"

namespace kist::fetch {
namespace {

constexpr std::size_t header_limit = 64u << 10;
constexpr long connect_seconds = 30;
constexpr long slowest_bytes_a_second = 512; ///< a server that drips is one that stalls

constexpr const char* elsewhere = "the registry sends us to an address within this machine or network link: refused";

struct Transfer {
    CURL* curl;
    const Request& request;
    std::string& content_range;
    Response response = {};
    std::size_t header_bytes = 0;
    const char* refusal = nullptr;
    std::exception_ptr thrown = nullptr; ///< by the sink: nothing may be thrown through libcurl
};

bool give(Transfer& transfer, std::string_view piece) noexcept {
    try {
        return !transfer.request.sink || transfer.request.sink(piece);
    } catch (...) {
        transfer.thrown = std::current_exception();
        return false;
    }
}

/// Seconds, also where the header has a date.
std::string seconds_of(const std::string& retry_after) {
    if (retry_after.empty() || parse_unsigned(retry_after)) return retry_after;
    const time_t at = ::curl_getdate(retry_after.c_str(), nullptr);
    return at < 0 ? "" : std::to_string(std::max<time_t>(0, at - ::time(nullptr)));
}

void take_header(Transfer& transfer, std::string_view line) {
    Response& response = transfer.response;
    const auto [name, value] = split_once(trim(line), ':');
    if (!value) {
        // the one that counts is the last: 100 Continue, a proxy's answer
        if (line.starts_with("HTTP/")) response = Response{};
        return;
    }
    const std::string key = to_lower(name);
    const std::string text(trim(*value));
    if (key == "location") response.location = text;
    if (key == "www-authenticate" && (response.challenge.empty() || starts_with_no_case(text, "bearer")))
        response.challenge = text;
    if (key == "content-type") response.content_type = to_lower(trim(split_once(text, ';').first));
    if (key == "content-range") transfer.content_range = response.content_range = text;
    if (key == "content-encoding") response.content_encoding = to_lower(text);
    if (key == "docker-content-digest") response.digest = text;
    if (key == "oci-subject") response.subject = text;
    if (key == "link") response.link = text;
    if (key == "range") response.range = text;
    if (key == "retry-after") response.retry_after = seconds_of(text);
}

std::size_t on_header(const char* bytes, std::size_t, std::size_t size, void* data) {
    auto& transfer = *static_cast<Transfer*>(data);
    transfer.header_bytes += size;
    if (transfer.header_bytes > header_limit) {
        transfer.refusal = "the answer's header is too long";
        return 0;
    }
    take_header(transfer, {bytes, size});
    return size;
}

std::size_t on_body(const char* bytes, std::size_t, std::size_t size, void* data) {
    auto& transfer = *static_cast<Transfer*>(data);
    const std::string& encoding = transfer.response.content_encoding;
    if (!encoding.empty() && encoding != "identity") {
        transfer.refusal = "the answer is encoded in a way that was not asked for";
        return 0;
    }
    long status = 0;
    ::curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) return give(transfer, {bytes, size}) ? size : 0;
    std::string& body = transfer.response.error_body;
    if (body.size() + size > static_cast<std::size_t>(registry::error_limit)) {
        transfer.refusal = "the error message is too long";
        return 0;
    }
    body.append(bytes, size);
    return size;
}

std::size_t on_read(char* buffer, std::size_t, std::size_t size, void* data) {
    auto& transfer = *static_cast<Transfer*>(data);
    for (;;) {
        const ssize_t n = ::read(transfer.request.stream->get(), buffer, size);
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR) return CURL_READFUNC_ABORT;
    }
}

curl_socket_t on_socket(void* data, curlsocktype, curl_sockaddr* address) {
    auto& transfer = *static_cast<Transfer*>(data);
    const Reach reach = reach_of(address->addr);
    if (reach == Reach::link || (reach == Reach::loopback && !transfer.request.loopback)) {
        transfer.refusal = elsewhere;
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// A proxy connects for us, to what we can only see when the address is spelled out.
bool may_ask_proxy(const Request& request) {
    if (!request.is_foreign) return true;
    const auto reach = reach_of_literal(request.url.host);
    return !reach || *reach == Reach::world || (*reach == Reach::loopback && request.loopback);
}

curl_blob pem(const std::string& text) { return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY}; }

/// Never libcurl's own reading of the environment: on_socket() must know whether it sees the registry's address.
void set_proxy(CURL* curl, const std::string& proxy, const Trust& trust) {
    ::curl_easy_setopt(curl, CURLOPT_PROXY, proxy.c_str());
    ::curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
    if (proxy.empty()) return;
    ::curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    ::curl_easy_setopt(curl, CURLOPT_PROXYAUTH, static_cast<long>(CURLAUTH_BASIC));
    if (!trust.authorities.empty()) {
        curl_blob authorities = pem(trust.authorities);
        ::curl_easy_setopt(curl, CURLOPT_PROXY_CAINFO_BLOB, &authorities);
    }
}

bool may_pass(CURLcode code) {
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return true;
    default: return false;
    }
}

std::string hint_for(CURLcode code) {
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return "put the authority's certificate into /etc/kist/certs.d/HOST:PORT/ca.crt, or use --cert-dir";
    case CURLE_COULDNT_RESOLVE_HOST:
        return "is the name right, and does /etc/resolv.conf name a server that can be reached?";
    case CURLE_COULDNT_RESOLVE_PROXY: return "the proxy is the one that http_proxy, https_proxy or all_proxy names";
    case CURLE_SSL_CONNECT_ERROR:
        return "a registry that speaks plain http has to be named in insecure-registries of kist.json";
    case CURLE_SSL_CERTPROBLEM: return "look at the client certificate (*.cert) and its key (*.key) for this registry";
    default: return "";
    }
}

constexpr const char* where_to_put = "put NAME.cert and NAME.key into /etc/kist/certs.d/HOST:PORT/, or use --cert-dir";

/// A TLS 1.3 server that wants a certificate says so after we may already have sent the request, and its reset can overtake that.
bool may_be_about_our_certificate(CURLcode code, const Request& request, const Trust& trust) {
    return (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR) && request.url.scheme == "https" &&
           trust.client_cert.empty();
}

/// With TLS 1.3 that comes as a failure to read: the server looks at our certificate when the handshake is over.
bool is_about_our_certificate(const std::string& reason) {
    return reason.find("alert certificate required") != std::string::npos ||
           reason.find("alert bad certificate") != std::string::npos ||
           reason.find("alert unknown ca") != std::string::npos;
}

void set_trust(CURL* curl, const Trust& trust) {
    ::curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, trust.verify ? 1L : 0L);
    ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, trust.verify ? 2L : 0L);
    curl_blob authorities = pem(trust.authorities), cert = pem(trust.client_cert), key = pem(trust.client_key);
    if (authorities.len != 0) ::curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authorities);
    if (cert.len == 0 || key.len == 0) return;
    ::curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &cert);
    ::curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key);
}

void set_limits(CURL* curl, int stall_seconds) {
    ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, std::min<long>(connect_seconds, stall_seconds));
    ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, slowest_bytes_a_second);
    ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall_seconds));
    ::curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
    ::curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
}

void set_body(CURL* curl, const Request& request, Transfer& transfer) {
    if (request.method == "HEAD") {
        ::curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if (request.stream != nullptr) {
        ::curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        ::curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
        ::curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
    } else if (request.text != nullptr) {
        ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.text->size()));
        ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.text->data());
    }
    if (request.method != "GET" && request.method != "HEAD")
        ::curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

} // namespace

Http::Http(const Trust& trust, int stall_seconds)
    : curl_(::curl_easy_init(), [](void* curl) { ::curl_easy_cleanup(curl); }),
      trust_(trust),
      proxies_(registry::Proxies::from_environment()),
      stall_seconds_(stall_seconds) {
    if (!curl_) throw Error("starting libcurl");
}

long Http::status() const {
    long status = 0;
    ::curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
}

Response Http::perform(const Request& request) {
    CURL* curl = curl_.get();
    ::curl_easy_reset(curl); // keeps connections
    content_range_.clear();
    Transfer transfer{curl, request, content_range_};
    const std::string url = request.url.str();
    char reason[CURL_ERROR_SIZE] = "";
    curl_slist* list = nullptr;
    for (const std::string& header : request.headers) list = ::curl_slist_append(list, header.c_str());
    const std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)> headers(list, &::curl_slist_free_all);
    set_limits(curl, stall_seconds_);
    set_trust(curl, trust_);
    set_body(curl, request, transfer);
    ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "kist");
    ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
    ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    const std::string proxy = proxies_.find(request.url);
    set_proxy(curl, proxy, trust_);
    if (!proxy.empty() && !may_ask_proxy(request)) {
        transfer.response.failure = elsewhere;
        return std::move(transfer.response);
    }
    if (request.is_foreign && proxy.empty()) {
        ::curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
        ::curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &transfer);
    }
    const CURLcode code = ::curl_easy_perform(curl);
    if (transfer.thrown) std::rethrow_exception(transfer.thrown);
    ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &transfer.response.status);
    if (code != CURLE_OK) {
        const char* text = transfer.refusal != nullptr ? transfer.refusal
                           : reason[0] != '\0'         ? reason
                                                       : ::curl_easy_strerror(code);
        transfer.response.failure = printable(text);
        transfer.response.hint = transfer.refusal == nullptr ? hint_for(code) : "";
        transfer.response.can_retry = transfer.refusal == nullptr && may_pass(code);
        if (transfer.refusal == nullptr && is_about_our_certificate(text)) {
            transfer.response.can_retry = false;
            transfer.response.hint =
                fmt::format("the registry wants a client certificate that it knows: {}", where_to_put);
        } else if (transfer.refusal == nullptr && transfer.response.status == 0 &&
                   may_be_about_our_certificate(code, request, trust_)) {
            transfer.response.hint = fmt::format("if the registry wants a client certificate: {}", where_to_put);
        }
    }
    return std::move(transfer.response);
}

} // namespace kist::fetch
