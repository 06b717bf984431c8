#pragma once
#include <curl/curl.h>

/* curl_easy_setopt and curl_easy_getinfo take any type: Swift calls no functions of variable arguments. */
typedef size_t (*gh_curl_sink)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode gh_curl_text(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode gh_curl_number(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode gh_curl_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode gh_curl_blob(CURL *handle, CURLoption option, struct curl_blob *value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode gh_curl_function(CURL *handle, CURLoption option, gh_curl_sink function) {
    return curl_easy_setopt(handle, option, function);
}
static inline CURLcode gh_curl_context(CURL *handle, CURLoption option, void *context) {
    return curl_easy_setopt(handle, option, context);
}
static inline CURLcode gh_curl_status(CURL *handle, long *status) {
    return curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, status);
}
