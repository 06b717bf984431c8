// Lets the gateway that it is preloaded into read an answer to its last byte and no further, and then holds it until
// more has come (Linux, glibc): so what an app server says behind an answer comes after the answer was read, and before
// anything else is done.
//
// Built by Tests/Integration/Responses. An answer that is to be held says in X-Held how many bytes it has.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "preload.h"

typedef ssize_t receive(int, void *, size_t, int);

ssize_t recv(int socket, void *room, size_t size, int flags) {
    receive *next = (receive *)dlsym(RTLD_NEXT, "recv");
    char seen[4096];
    ssize_t count = flags ? 0 : next(socket, seen, sizeof seen - 1, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0) {
        seen[count] = 0;
        char *held = strncmp(seen, "HTTP/1.1 ", 9) ? NULL : strstr(seen, "\r\nX-Held: ");
        size_t length = held ? strtoul(held + 10, NULL, 10) : 0;
        if (length && length <= (size_t)count) {
            ssize_t taken = next(socket, room, length < size ? length : size, 0);
            struct pollfd more = {.fd = socket, .events = POLLIN};
            poll(&more, 1, 120 * 1000);
            return taken;
        }
    }
    return next(socket, room, size, flags);
}
