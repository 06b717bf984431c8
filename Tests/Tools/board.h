// For a library that is preloaded into a gateway: what it notes for the test that reads it (Linux, glibc).

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// So many bytes, shared with whoever reads the file that `variable` names with this process's number behind it. Mapped before
// the process can have locked itself away from files. NULL without the variable.
static void *map_board(const char *variable, size_t size) {
    const char *stem = getenv(variable);
    if (!stem) return NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s.%d", stem, (int)getpid());
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, (off_t)size)) abort();
    void *memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) abort();
    return memory;
}
