// Counts who asks libc for memory, inside of the program it is preloaded into (Linux, glibc).
//
// Built and read by Tests/Integration/Allocations. GATEHOUSE_ALLOCATIONS names a file; each process maps that name
// with its process number behind it, before it can have locked itself away from files, and counts into the mapping
// for as long as `armed` there is not 0. A request of libssl, libcrypto or libnghttp2 is theirs, any other is ours,
// and of ours the stacks are kept. Frames are told from the innermost, relative to the program's base, 0 for those
// that lie in a library.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "preload.h"

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

// What the reader in AllocationCounter.swift relies upon: 64-bit words all through.
enum { STACKS = 1024, DEPTH = 24, OWN_FRAMES = 2, LIBRARIES = 16 };

struct stack {
    _Atomic uint64_t count;
    _Atomic uint64_t key;
    uint64_t frames[DEPTH];
};

struct board {
    _Atomic uint64_t armed;
    _Atomic uint64_t ours;
    _Atomic uint64_t theirs;
    struct stack stacks[STACKS];
};

struct range {
    uintptr_t from, to;
};

static struct board *board;
static struct range program;
static struct range libraries[LIBRARIES];
static int library_count;
// Set while a stack is walked, which may allocate itself.
static _Thread_local int walking;

static int contains(struct range range, uintptr_t address) {
    return address >= range.from && address < range.to;
}

static int note_object(struct dl_phdr_info *info, size_t size, void *is_later) {
    struct range range = {UINTPTR_MAX, 0};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (start < range.from) range.from = start;
        if (start + info->dlpi_phdr[i].p_memsz > range.to) range.to = start + info->dlpi_phdr[i].p_memsz;
    }
    if (!*(int *)is_later) {  // the program itself comes first
        *(int *)is_later = 1;
        program = range;
        program.from = info->dlpi_addr;
    } else if (library_count < LIBRARIES
               && (strstr(info->dlpi_name, "/libssl.") || strstr(info->dlpi_name, "/libcrypto.")
                   || strstr(info->dlpi_name, "/libnghttp2."))) {
        libraries[library_count++] = range;
    }
    return 0;
}

__attribute__((constructor)) static void start(void) {
    struct board *memory = map_board("GATEHOUSE_ALLOCATIONS", sizeof *board);
    if (!memory) return;
    void *frames[2];
    backtrace(frames, 2);  // loads the unwinder now; later there may be no files to load it from
    int is_later = 0;
    dl_iterate_phdr(note_object, &is_later);
    board = memory;
}

static void keep_stack(void) {
    void *frames[DEPTH + OWN_FRAMES];
    walking = 1;
    int depth = backtrace(frames, DEPTH + OWN_FRAMES);
    walking = 0;
    uint64_t key = 14695981039346656037u;
    for (int i = OWN_FRAMES; i < depth; i++) key = (key ^ (uintptr_t)frames[i]) * 1099511628211u;
    for (unsigned probe = 0; probe < STACKS; probe++) {
        struct stack *slot = &board->stacks[(key + probe) % STACKS];
        uint64_t found = 0;
        if (atomic_compare_exchange_strong(&slot->key, &found, key)) {
            for (int i = OWN_FRAMES; i < depth; i++) {
                uintptr_t frame = (uintptr_t)frames[i];
                slot->frames[i - OWN_FRAMES] = contains(program, frame) ? frame - program.from : 0;
            }
        } else if (found != key) {
            continue;
        }
        atomic_fetch_add(&slot->count, 1);
        return;
    }
}

static void count(uintptr_t caller) {
    if (!board || walking || !atomic_load_explicit(&board->armed, memory_order_relaxed)) return;
    for (int i = 0; i < library_count; i++) {
        if (contains(libraries[i], caller)) {
            atomic_fetch_add(&board->theirs, 1);
            return;
        }
    }
    atomic_fetch_add(&board->ours, 1);
    keep_stack();
}

#define COUNT() count((uintptr_t)__builtin_return_address(0))

void *malloc(size_t size) {
    COUNT();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    COUNT();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    COUNT();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    COUNT();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    COUNT();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    COUNT();
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}
