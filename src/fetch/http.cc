// SPDX-License-Identifier: Apache-2.0
// The only user of libcurl.
#include "fetch/http.hh"

#include <exception>

#include <curl/curl.h>

#include "base/error.hh"
#include "base/text.hh"
#include "registry/fetch_protocol.hh"

namespace kist::fetch {
namespace {

constexpr std::size_t header_limit = 64u << 10;
constexpr long connect_seconds = 30, stalled_seconds = 60;

struct Transfer {
    CURL* curl;
    const Request& request;
    Response response;
    std::size_t header_bytes = 0;
    const char* refusal = nullptr;
    std::exception_ptr thrown = nullptr; ///< by the sink: nothing may be thrown through libcurl
};

bool give(Transfer& transfer, std::string_view piece) noexcept {
    try {
        return transfer.request.sink(piece);
    } catch (...) {
        transfer.thrown = std::current_exception();
        return false;
    }
}

void take_header(Response& response, std::string_view line) {
    const auto [name, value] = split_once(trim(line), ':');
    if (!value) {
        if (line.starts_with("HTTP/")) response = Response{}; // the one that counts is the last: 100 Continue, a proxy's answer
        return;
    }
    const std::string key = to_lower(name);
    const std::string text(trim(*value));
    if (key == "location") response.location = text;
    if (key == "www-authenticate" && (response.challenge.empty() || starts_with_no_case(text, "bearer"))) response.challenge = text;
    if (key == "content-type") response.content_type = to_lower(trim(split_once(text, ';').first));
    if (key == "content-range") response.content_range = text;
    if (key == "retry-after") response.retry_after = text;
}

std::size_t on_header(const char* bytes, std::size_t, std::size_t size, void* data) {
    auto& transfer = *static_cast<Transfer*>(data);
    transfer.header_bytes += size;
    if (transfer.header_bytes > header_limit) {
        transfer.refusal = "the answer's header is too long";
        return 0;
    }
    take_header(transfer.response, {bytes, size});
    return size;
}

std::size_t on_body(const char* bytes, std::size_t, std::size_t size, void* data) {
    auto& transfer = *static_cast<Transfer*>(data);
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

bool may_pass(CURLcode code) {
    switch (code) {
    case CURLE_COULDNT_CONNECT:
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

} // namespace

Http::Http(Trust trust) : curl_(::curl_easy_init(), [](void* curl) { ::curl_easy_cleanup(curl); }), trust_(std::move(trust)) {
    if (!curl_) throw Error("starting libcurl");
}

long Http::status() const {
    long status = 0;
    ::curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
}

Response Http::get(const Request& request) {
    CURL* curl = curl_.get();
    ::curl_easy_reset(curl); // keeps connections
    Transfer transfer{curl, request, {}};
    const std::string url = request.url.str();
    char reason[CURL_ERROR_SIZE] = "";
    curl_slist* list = nullptr;
    for (const std::string& header : request.headers) list = ::curl_slist_append(list, header.c_str());
    const std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)> headers(list, &::curl_slist_free_all);
    curl_blob authorities{trust_.authorities.data(), trust_.authorities.size(), CURL_BLOB_NOCOPY};
    ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "kist");
    ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_seconds);
    ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stalled_seconds);
    ::curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
    ::curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, trust_.verify ? 1L : 0L);
    ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, trust_.verify ? 2L : 0L);
    if (authorities.len != 0) ::curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authorities);
    ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
    ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    const CURLcode code = ::curl_easy_perform(curl);
    if (transfer.thrown) std::rethrow_exception(transfer.thrown);
    ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &transfer.response.status);
    if (code != CURLE_OK) {
        const char* text = transfer.refusal != nullptr ? transfer.refusal : reason[0] != '\0' ? reason : ::curl_easy_strerror(code);
        transfer.response.failure = printable(text);
        transfer.response.can_retry = transfer.refusal == nullptr && may_pass(code);
    }
    return std::move(transfer.response);
}

} // namespace kist::fetch
