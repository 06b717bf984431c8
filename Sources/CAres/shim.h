#pragma once
/* Newer versions mark what this uses as deprecated in favour of functions that Debian 12 has not. */
#define CARES_NO_DEPRECATED
#include <ares.h>

/* Statuses as plain numbers: macros in one version of the library, an enumeration in another. */
static const int cares_success = ARES_SUCCESS;
static const int cares_no_data = ARES_ENODATA;
static const int cares_server_failed = ARES_ESERVFAIL;
static const int cares_not_found = ARES_ENOTFOUND;
static const int cares_not_implemented = ARES_ENOTIMP;
static const int cares_refused = ARES_EREFUSED;
static const int cares_bad_query = ARES_EBADQUERY;
static const int cares_bad_name = ARES_EBADNAME;
static const int cares_connection_refused = ARES_ECONNREFUSED;
static const int cares_timed_out = ARES_ETIMEOUT;
static const int cares_no_memory = ARES_ENOMEM;
static const int cares_destroyed = ARES_EDESTRUCTION;
static const int cares_cancelled = ARES_ECANCELLED;
