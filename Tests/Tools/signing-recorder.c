// Notes on which threads a program signs certificates, and has a handshake use one, inside of the program it is preloaded
// into (Linux, glibc).
//
// Built and read by Tests/Integration/Harness/SigningRecorder.swift. GATEHOUSE_SIGNINGS names a file; each process maps that
// name with its process number behind it, before it can have locked itself away from files, and notes into the mapping:
// the number of notes in 8 bytes, then 64 bytes a note, which are the function's name and the thread's.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "board.h"
#include "preload.h"

enum { NOTES = 4096 };

struct board {
    _Atomic uint64_t used;
    char notes[NOTES][64];
};

static struct board *board;
// The kernel is not asked: a data plane may ask it for little.
static _Thread_local char own_name[16] = "main";

__attribute__((constructor)) static void start(void) {
    board = map_board("GATEHOUSE_SIGNINGS", sizeof *board);
}

static void note(const char *function) {
    if (!board) return;
    uint64_t number = atomic_fetch_add(&board->used, 1);
    if (number < NOTES) snprintf(board->notes[number], sizeof board->notes[number], "%s %s", function, own_name);
}

int pthread_setname_np(pthread_t thread, const char *name) {
    if (pthread_equal(thread, pthread_self())) snprintf(own_name, sizeof own_name, "%s", name);
    return ((int (*)(pthread_t, const char *))dlsym(RTLD_NEXT, "pthread_setname_np"))(thread, name);
}

#define SIGNING(function)                                                                            \
    int function(void *what, void *key, const void *digest) {                                        \
        note(#function);                                                                             \
        return ((int (*)(void *, void *, const void *))dlsym(RTLD_NEXT, #function))(what, key, digest); \
    }

SIGNING(X509_sign)
SIGNING(X509_REQ_sign)
SIGNING(X509_CRL_sign)

int SSL_use_cert_and_key(void *session, void *certificate, void *key, void *chain, int replaces) {
    note("SSL_use_cert_and_key");
    return ((int (*)(void *, void *, void *, void *, int))dlsym(RTLD_NEXT, "SSL_use_cert_and_key"))(
        session, certificate, key, chain, replaces);
}
