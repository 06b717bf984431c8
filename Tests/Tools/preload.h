// For a library that is preloaded into a gateway: has what the gateway starts load it too (Linux, glibc). The gateway
// gives its data plane an environment of its own making; LD_PRELOAD and the variables of the tests are added to it.
//
// Include it once, in the library's one file.

#include <dlfcn.h>
#include <spawn.h>
#include <string.h>

extern char **environ;

typedef int spawn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
                  char *const[]);

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]) {
    enum { MOST = 256 };
    char *all[MOST + 1];
    int used = 0;
    for (; environment && environment[used] && used < MOST; used++) all[used] = environment[used];
    for (char **own = environ; own && *own && used < MOST; own++) {
        int is_of_tests = !strncmp(*own, "LD_PRELOAD=", 11) || !strncmp(*own, "GATEHOUSE_", 10);
        if (is_of_tests && environment != environ) all[used++] = *own;
    }
    all[used] = NULL;
    return ((spawn *)dlsym(RTLD_NEXT, "posix_spawn"))(pid, path, actions, attributes, arguments, all);
}
